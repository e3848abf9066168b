#include <algorithm>
#include <bit>
#include <limits>

#include "ops/checks.h"
#include "ops/nd_loop.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kElementCost = 64;
// A dim is below 2^31.
constexpr int kIndexBits = 31;
constexpr std::int64_t kIndexMask = (std::int64_t{1} << kIndexBits) - 1;

// Index of the first extreme of `length` values, `inner` apart, for each of outer * inner places.
struct Arguments {
  Slot x, y;
  std::int64_t outer, length, inner;
};

// Ranks of 32 bits order the values: the extreme has the largest, and equal values have equal ones.
std::int64_t rank(std::uint8_t value) { return value; }

// The bits of numbers order them but for negative ones, which lie the wrong way round, and for the two zeros.
std::int64_t rank(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value + 0.0F);
  return bits ^ ((bits >> 31) & std::numeric_limits<std::int32_t>::max());
}

bool is_nan(std::uint8_t) { return false; }
bool is_nan(float value) { return value != value; }

struct Greatest {
  template <class Value>
  static std::int64_t of(Value value) {
    return is_nan(value) ? std::numeric_limits<std::int32_t>::max() : rank(value);
  }
};
struct Least {
  template <class Value>
  static std::int64_t of(Value value) {
    return is_nan(value) ? std::numeric_limits<std::int32_t>::max() : -rank(value);
  }
};

// Parts are ranges of places. Rank and index share one number, so that the largest is the first of the extremes and
// nothing branches on the values.
template <class Order, class Value, class Index>
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const Range range = split(args.outer * args.inner, part, parts);
  Index* y = memory.at<Index>(args.y);
  for (std::int64_t place = range.begin; place < range.end; ++place) {
    const std::int64_t outer = place / args.inner, inner = place % args.inner;
    const Value* x = memory.at<Value>(args.x) + outer * args.length * args.inner + inner;
    std::int64_t best = std::numeric_limits<std::int64_t>::min();
    for (std::int64_t i = 0; i < args.length; ++i) {
      best = std::max(best, (Order::of(x[i * args.inner]) << kIndexBits) + (args.length - 1 - i));
    }
    y[place] = static_cast<Index>(args.length - 1 - (best & kIndexMask));
  }
}
template <class Order, class Value>
StepFunction run_to(DType index) {
  return index == DType::kInt32 ? run<Order, Value, std::int32_t> : run<Order, Value, std::int64_t>;
}

template <class Order>
Status prepare(const Node& node, Planner& planner, const char* on_bytes, const char* on_floats) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 1));
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  const bool is_float = x.dtype == DType::kFloat32;
  if (!is_float) INTAGLIO_TRY(check_activation(node, x, "input"));
  if (y.dtype != DType::kInt32 && y.dtype != DType::kInt64) {
    return node_error(Code::kDType, node, "dtype of the output: expected int32 or int64");
  }
  INTAGLIO_TRY(check_between(node, "axis", node.attrs[0], 0, static_cast<std::int64_t>(x.dims.size()) - 1));
  const auto axis = static_cast<std::size_t>(node.attrs[0]);
  Dims dims;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    if (i != axis) dims.push(x.dims[i]);
  }
  INTAGLIO_TRY(check_dims(node, y, "output", dims.span()));
  INTAGLIO_TRY(check_between(node, "size of the axis", x.dims[axis], 1, kIndexMask));
  if (y.elements == 0) return {};

  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  args->x = planner.tensor(node.inputs[0]);
  args->y = planner.tensor(node.outputs[0]);
  args->length = x.dims[axis];
  args->inner = Strides(x.dims).at[axis];
  args->outer = y.elements / args->inner;
  return planner.emit(
      {.run = is_float ? run_to<Order, float>(y.dtype) : run_to<Order, std::uint8_t>(y.dtype),
       .arguments = args,
       .parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(x.elements * kElementCost), y.elements)),
       .kernel = is_float ? on_floats : on_bytes});
}

}  // namespace

Status prepare_arg_max(const Node& node, Planner& planner) {
  return prepare<Greatest>(node, planner, "arg_max_u8", "arg_max_f32");
}

Status prepare_arg_min(const Node& node, Planner& planner) {
  return prepare<Least>(node, planner, "arg_min_u8", "arg_min_f32");
}

}  // namespace intaglio
