#include <algorithm>

#include "ops/checks.h"
#include "ops/nd_loop.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kElementCost = 32;
// A dim is below 2^31.
constexpr std::int64_t kMostLength = (std::int64_t{1} << 31) - 1;
// Places whose extremes are in the making at once: neighbours along the innermost axis, or whole rows where that is
// the axis. As many rows as GCC makes vectors of.
constexpr std::int64_t kNeighbours = 256;
template <class Value>
constexpr std::int64_t kRows = sizeof(Value) == 1 ? 16 : 32;

// Index of the first extreme of `length` values, `inner` apart, for each of outer * inner places.
struct Arguments {
  Slot x, y;
  std::int64_t outer, length, inner;
  bool wide;  // y: int64
};

// Whether a value that comes later takes the place of the extreme so far; NaN gives way to nothing.
struct Greatest {
  static bool beats(std::uint8_t value, std::uint8_t best) { return value > best; }
  static bool beats(float value, float best) { return !(value <= best) & (best == best); }
};
struct Least {
  static bool beats(std::uint8_t value, std::uint8_t best) { return value < best; }
  static bool beats(float value, float best) { return !(value >= best) & (best == best); }
};

// For `count` places, `step` apart, whose values along the axis are `stride` apart. Nothing branches on the values.
template <class Order, class Value>
[[gnu::always_inline]] inline void find(const Value* x, std::int64_t length, std::int64_t stride, std::int64_t step,
                                        std::int64_t count, std::int32_t* __restrict index) {
  Value best[kNeighbours];
  for (std::int64_t j = 0; j < count; ++j) {
    best[j] = x[j * step];
    index[j] = 0;
  }
  for (std::int64_t i = 1; i < length; ++i) {
    x += stride;
    for (std::int64_t j = 0; j < count; ++j) {
      const Value value = x[j * step];
      const bool beats = Order::beats(value, best[j]);
      best[j] = beats ? value : best[j];
      index[j] = beats ? static_cast<std::int32_t>(i) : index[j];
    }
  }
}

// Parts are ranges of places.
template <class Order, class Value>
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const Range range = split(args.outer * args.inner, part, parts);
  const Value* x = memory.at<const Value>(args.x);
  std::int32_t index[kNeighbours];
  for (std::int64_t place = range.begin, count; place < range.end; place += count) {
    if (args.inner == 1) {
      count = std::min(kRows<Value>, range.end - place);
      const Value* rows = x + place * args.length;
      if (count == kRows<Value>) {
        find<Order>(rows, args.length, 1, args.length, kRows<Value>, index);
      } else {
        find<Order>(rows, args.length, 1, args.length, count, index);
      }
    } else {
      const std::int64_t inner = place % args.inner;
      count = std::min({kNeighbours, args.inner - inner, range.end - place});
      find<Order>(x + (place - inner) * args.length + inner, args.length, args.inner, 1, count, index);
    }
    if (args.wide) {
      std::copy_n(index, count, memory.at<std::int64_t>(args.y) + place);
    } else {
      std::copy_n(index, count, memory.at<std::int32_t>(args.y) + place);
    }
  }
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
  INTAGLIO_TRY(check_between(node, "size of the axis", x.dims[axis], 1, kMostLength));
  if (y.elements == 0) return {};

  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  args->x = planner.tensor(node.inputs[0]);
  args->y = planner.tensor(node.outputs[0]);
  args->length = x.dims[axis];
  args->inner = Strides(x.dims).at[axis];
  args->outer = y.elements / args->inner;
  args->wide = y.dtype == DType::kInt64;
  return planner.emit(
      {.run = is_float ? run<Order, float> : run<Order, std::uint8_t>,
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
