// float_depthwise_conv2d: rows of outputs, vectors of channels. Where a channel has several outputs, the input is first
// repeated for each.
#include <algorithm>
#include <cinttypes>

#include "base/checked.h"
#include "kernels/float_gemm.h"
#include "ops/checks.h"
#include "ops/convolution.h"
#include "ops/float_checks.h"
#include "ops/padded_input.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(float));
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 40;

struct Arguments {
  void (*run)(const FloatDepthwiseRow& row);
  Slot x, weight, bias, y;
  std::ptrdiff_t offset, image_stride, line_stride;  // of x, in elements
  std::int64_t images, lines;
  FloatDepthwiseRow row;  // what all rows have in common
};

// Parts are ranges of output rows over the whole batch.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  FloatDepthwiseRow row = a.row;
  row.weights = memory.at<const float>(a.weight);
  row.bias = memory.at<const float>(a.bias);
  const Range range = split(a.images * a.lines, part, parts);
  for (std::int64_t line = range.begin; line < range.end; ++line) {
    row.input =
        memory.at<const float>(a.x) + a.offset + line / a.lines * a.image_stride + line % a.lines * a.line_stride;
    row.output = memory.at<float>(a.y) + line * static_cast<std::int64_t>(row.outputs * row.channels);
    a.run(row);
  }
}

struct RepeatArguments {
  Slot from, to;
  std::int64_t count, times;
};

void run_repeat(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const RepeatArguments*>(arguments);
  const Range range = split(a.count, part, parts);
  const auto* from = memory.at<const float>(a.from) + range.begin;
  float* to = memory.at<float>(a.to) + range.begin * a.times;
  for (std::int64_t i = range.begin; i < range.end; ++i, to += a.times) std::fill_n(to, a.times, *from++);
}

// The view of `count` elements with each of them `times` times.
Result<InputView> repeat(const Node& node, Planner& planner, const InputView& view, std::int64_t count,
                         std::int64_t times) {
  std::int64_t bytes;
  if (!checked_mul(count, times * kSize, bytes) || bytes > kMaxBytes) {
    return node_error(Code::kShape, node, "the repeated input is larger than %" PRId64 " bytes", kMaxBytes);
  }
  auto* a = planner.make<RepeatArguments>();
  if (a == nullptr) return out_of_memory(node);
  *a = {view.slot, planner.scratch(static_cast<std::uint64_t>(bytes)), count, times};
  INTAGLIO_TRY(planner.emit({.run = run_repeat,
                             .arguments = a,
                             .parts = planner.parts_for(a->count * times),
                             .kernel = "repeat_f32",
                             .reason = "several outputs to a channel"}));
  return InputView{a->to, view.offset * times, view.row_stride * times, view.image_stride * times};
}

}  // namespace

Status prepare_float_depthwise_conv2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 1, kWindowAttrs));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_all_float(node, model));
  INTAGLIO_TRY(check_rank(node, x, "input", 4));
  INTAGLIO_TRY(check_rank(node, weight, "weight", 3));
  auto geometry = read_windows(node, x, weight.dims[0], weight.dims[1]);
  if (!geometry.ok()) return geometry.status();
  const WindowAxis &height = geometry.value().height, &width = geometry.value().width;
  const std::int64_t in = x.dims[3], out = weight.dims[2];
  if (in < 1 || out < 1 || out % in != 0) {
    return node_error(Code::kShape, node, "%" PRId64 " output channels are not a multiple of %" PRId64, out, in);
  }
  INTAGLIO_TRY(check_dims(node, y, "output", {x.dims[0], height.output(), width.output(), out}));
  INTAGLIO_TRY(check_dims(node, model.input(node, 2), "bias", {out}));
  auto bounds = read_bounds(node, model.input(node, 3));
  if (!bounds.ok()) return bounds.status();
  if (y.elements == 0) return {};

  auto viewed = view_input(node, planner, {-height.before, height.span(), -width.before, width.span()});
  if (!viewed.ok()) return viewed.status();
  if (out != in) {
    viewed = repeat(node, planner, viewed.value(), x.dims[0] * (viewed.value().image_stride / kSize), out / in);
    if (!viewed.ok()) return viewed.status();
  }
  const InputView& view = viewed.value();
  const std::ptrdiff_t row_stride = view.row_stride / kSize;
  const std::int64_t taps = height.kernel * width.kernel;
  auto* a = planner.make<Arguments>();
  auto* offsets = planner.make<std::ptrdiff_t>(static_cast<std::size_t>(taps));
  if (a == nullptr || offsets == nullptr) return out_of_memory(node);
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    offsets[tap] = tap / width.kernel * height.dilation * row_stride + tap % width.kernel * width.dilation * out;
  }
  const FloatGemmKernels& kernels = *planner.kernels().float_gemm;
  a->run = kernels.run_depthwise;
  a->x = view.slot;
  a->weight = planner.tensor(node.inputs[1]);
  a->bias = planner.tensor(node.inputs[2]);
  a->y = planner.tensor(node.outputs[0]);
  a->offset = view.offset / kSize;
  a->image_stride = view.image_stride / kSize;
  a->line_stride = height.stride * row_stride;
  a->images = x.dims[0];
  a->lines = height.output();
  a->row.input_stride = width.stride * out;
  a->row.taps = offsets;
  a->row.tap_count = static_cast<std::size_t>(taps);
  a->row.low = bounds.value().low;
  a->row.high = bounds.value().high;
  a->row.outputs = static_cast<std::size_t>(width.output());
  a->row.channels = static_cast<std::size_t>(out);
  const std::int64_t macs = saturating_product(y.elements, taps);
  return planner.emit({.run = run,
                       .arguments = a,
                       .parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(macs), a->images * a->lines)),
                       .kernel = kernels.depthwise_name,
                       .macs = macs});
}

}  // namespace intaglio
