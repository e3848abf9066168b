#include <limits>

#include "ops/checks.h"
#include "ops/strided_copy.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kLargestPadding = std::int64_t{1} << 24;
constexpr std::int64_t kByteCost = 2;

struct Fill {
  Slot to;
  std::int64_t count;
  std::int64_t value;  // its low bytes
};

template <class T>
void fill(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Fill*>(arguments);
  const Range range = split(args.count, part, parts);
  T* to = memory.at<T>(args.to);
  for (std::int64_t i = range.begin; i < range.end; ++i) to[i] = static_cast<T>(args.value);
}

// The value has the bits of an integer of the element's size.
Result<Step> fill_step(const Node& node, DType dtype, std::int64_t value) {
  using Int32 = std::numeric_limits<std::int32_t>;
  switch (size_of(dtype)) {
    case 1:
      INTAGLIO_TRY(check_between(node, "value", value, -128, 127));
      return Step{.run = fill<std::uint8_t>, .kernel = "fill_1_byte"};
    case 4:
      INTAGLIO_TRY(check_between(node, "value", value, Int32::min(), Int32::max()));
      return Step{.run = fill<std::int32_t>, .kernel = "fill_4_bytes"};
    default:
      return Step{.run = fill<std::int64_t>, .kernel = "fill_8_bytes"};
  }
}

}  // namespace

Status prepare_pad(const Node& node, Planner& planner) {
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  const std::size_t rank = x.dims.size();
  INTAGLIO_TRY(check_signature(node, 1, 1, 1 + 2 * rank));
  INTAGLIO_TRY(check_like(node, y, "output", x));
  const auto padding = node.attrs.subspan(1);
  Dims dims;
  for (std::size_t i = 0; i < rank; ++i) {
    INTAGLIO_TRY(check_between(node, "padding", padding[2 * i], 0, kLargestPadding));
    INTAGLIO_TRY(check_between(node, "padding", padding[2 * i + 1], 0, kLargestPadding));
    dims.push(padding[2 * i] + x.dims[i] + padding[2 * i + 1]);
  }
  INTAGLIO_TRY(check_dims(node, y, "output", dims.span()));
  auto step = fill_step(node, y.dtype, node.attrs[0]);
  if (!step.ok()) return step.status();
  if (y.elements == 0) return {};

  if (x.elements < y.elements) {
    auto* args = planner.make<Fill>();
    if (args == nullptr) return out_of_memory(node);
    args->to = planner.tensor(node.outputs[0]);
    args->count = y.elements;
    args->value = y.dtype == DType::kInt8 ? node.attrs[0] + kStorageOffset : node.attrs[0];
    step.value().arguments = args;
    step.value().parts = planner.parts_for(static_cast<std::int64_t>(y.bytes) * kByteCost);
    INTAGLIO_TRY(planner.emit(step.value()));
  }
  if (x.elements == 0) return {};
  StridedCopy copy;
  const Strides from(x.dims), to(y.dims);
  for (std::size_t i = 0; i < rank; ++i) {
    copy.to += padding[2 * i] * to.at[i];
    copy.loop.add(x.dims[i], {from.at[i], to.at[i]});
  }
  return emit_copy(node, planner, copy, node.inputs[0]);
}

}  // namespace intaglio
