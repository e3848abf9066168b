#include <algorithm>

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

// The extreme has the largest rank.
struct Greatest {
  static std::int64_t rank(std::uint8_t value) { return value; }
};
struct Least {
  static std::int64_t rank(std::uint8_t value) { return 255 - value; }
};

// Parts are ranges of places. Rank and index share one number, so that the largest is the first of the extremes and
// nothing branches on the values.
template <class Order, class Index>
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const Range range = split(args.outer * args.inner, part, parts);
  Index* y = memory.at<Index>(args.y);
  for (std::int64_t place = range.begin; place < range.end; ++place) {
    const std::int64_t outer = place / args.inner, inner = place % args.inner;
    const std::uint8_t* x = memory.at<std::uint8_t>(args.x) + outer * args.length * args.inner + inner;
    std::int64_t best = 0;
    for (std::int64_t i = 0; i < args.length; ++i) {
      best = std::max(best, (Order::rank(x[i * args.inner]) << kIndexBits) + (args.length - 1 - i));
    }
    y[place] = static_cast<Index>(args.length - 1 - (best & kIndexMask));
  }
}

template <class Order>
Status prepare(const Node& node, Planner& planner, const char* kernel) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 1));
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  INTAGLIO_TRY(check_activation(node, x, "input"));
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
      {.run = y.dtype == DType::kInt32 ? run<Order, std::int32_t> : run<Order, std::int64_t>,
       .arguments = args,
       .parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(x.elements * kElementCost), y.elements)),
       .kernel = kernel});
}

}  // namespace

Status prepare_arg_max(const Node& node, Planner& planner) { return prepare<Greatest>(node, planner, "arg_max_u8"); }
Status prepare_arg_min(const Node& node, Planner& planner) { return prepare<Least>(node, planner, "arg_min_u8"); }

}  // namespace intaglio
