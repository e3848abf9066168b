#include <algorithm>
#include <type_traits>

#include "ops/broadcast_runs.h"
#include "ops/checks.h"
#include "ops/float_checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kElementCost = 16;

struct Arguments {
  Slot a, b, y;
  BroadcastRuns runs;
};

// Of a divisor that is not zero.
template <class T>
T floor_mod(T a, T b) {
  if (b == -1) return 0;  // the lowest number has no quotient
  const T rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

template <class T>
T floor_div(T a, T b) {
  using Bits = std::make_unsigned_t<T>;
  if (b == -1) return static_cast<T>(Bits{0} - static_cast<Bits>(a));
  const T quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

// By the numbers of docs/format.md. Sums and products are modulo 2^32 or 2^64.
template <class T>
struct Functions {
  using Bits = std::make_unsigned_t<T>;
  static T add(T a, T b) { return static_cast<T>(static_cast<Bits>(a) + static_cast<Bits>(b)); }
  static T sub(T a, T b) { return static_cast<T>(static_cast<Bits>(a) - static_cast<Bits>(b)); }
  static T mul(T a, T b) { return static_cast<T>(static_cast<Bits>(a) * static_cast<Bits>(b)); }
  static T maximum(T a, T b) { return std::max(a, b); }
  static T minimum(T a, T b) { return std::min(a, b); }
};

template <class T, T (*kFunction)(T, T)>
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const T* a = memory.at<const T>(args.a);
  const T* b = memory.at<const T>(args.b);
  T* y = memory.at<T>(args.y);
  const std::int64_t advance_a = args.runs.advance_a, advance_b = args.runs.advance_b;
  args.runs.for_each(part, parts, [&](std::int64_t from_a, std::int64_t from_b, std::int64_t to, std::size_t count) {
    const auto loop = [&](std::int64_t step_a, std::int64_t step_b) __attribute__((always_inline)) {
      for (std::int64_t i = 0; i < static_cast<std::int64_t>(count); ++i) {
        y[to + i] = kFunction(a[from_a + i * step_a], b[from_b + i * step_b]);
      }
    };
    // The compiler makes vectors of int32 that advance on both sides; of others there is little to gain.
    if (sizeof(T) > sizeof(std::int32_t) || advance_a == 0 || advance_b == 0) return loop(advance_a, advance_b);
    loop(1, 1);
  });
}

constexpr std::int64_t kFloorDiv = 3, kFloorMod = 4, kKinds = 7;

template <class T>
StepFunction function_for(std::int64_t kind) {
  constexpr StepFunction kFunctions[kKinds] = {
      run<T, Functions<T>::add>, run<T, Functions<T>::sub>,     run<T, Functions<T>::mul>,    run<T, floor_div<T>>,
      run<T, floor_mod<T>>,      run<T, Functions<T>::maximum>, run<T, Functions<T>::minimum>};
  return kFunctions[kind];
}

template <class T>
Status check_divisors(const Node& node, const Tensor& b) {
  for (const T divisor : b.values<T>()) {
    if (divisor == 0) return node_error(Code::kModelFormat, node, "b: expected divisors that are not zero");
  }
  return {};
}

}  // namespace

Status prepare_integer_binary(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 1));
  const Model& model = planner.model();
  const Tensor &a = model.input(node, 0), &b = model.input(node, 1), &y = model.output(node);
  const bool wide = a.dtype == DType::kInt64;
  if (!wide && a.dtype != DType::kInt32) return node_error(Code::kDType, node, "a: expected int32 or int64");
  INTAGLIO_TRY(check_dtype(node, b, "b", a.dtype));
  INTAGLIO_TRY(check_dtype(node, y, "output", a.dtype));
  const std::int64_t kind = node.attrs[0];
  INTAGLIO_TRY(check_between(node, "kind", kind, 0, kKinds - 1));
  auto dims = broadcast_dims(node, a.dims, b.dims);
  if (!dims.ok()) return dims.status();
  INTAGLIO_TRY(check_dims(node, y, "output", dims.value().span()));
  if (kind == kFloorDiv || kind == kFloorMod) {
    if (!b.constant()) return node_error(Code::kUnsupportedOp, node, "b must be a constant");
    INTAGLIO_TRY(wide ? check_divisors<std::int64_t>(node, b) : check_divisors<std::int32_t>(node, b));
  }
  if (y.elements == 0) return {};
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  *args = {planner.tensor(node.inputs[0]), planner.tensor(node.inputs[1]), planner.tensor(node.outputs[0]),
           BroadcastRuns::of(a, b, y)};
  return planner.emit({.run = wide ? function_for<std::int64_t>(kind) : function_for<std::int32_t>(kind),
                       .arguments = args,
                       .parts = planner.parts_for(y.elements * kElementCost),
                       .kernel = "integer_binary"});
}

}  // namespace intaglio
