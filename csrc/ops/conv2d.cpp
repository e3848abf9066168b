// conv2d: a matrix multiplication over windows. Padding, if any, is copied in first, so a window is a few contiguous
// runs of bytes at the same offsets everywhere: one per kernel row, or one per tap where columns are dilated or
// grouped. Windows of 3x3 may be taken in tiles instead (gemm/winograd.h).
#include "gemm/layer.h"
#include "gemm/weights.h"
#include "gemm/winograd.h"
#include "ops/convolution.h"
#include "ops/padded_input.h"
#include "ops/sum_of_products.h"

namespace intaglio {

namespace {

constexpr std::ptrdiff_t kWhole[] = {0};

// A checked conv2d with outputs.
struct Conv2d {
  Convolution geometry;
  SumParameters sum;
  std::int64_t images, in, out;

  std::int64_t window() const { return geometry.height.kernel * geometry.width.kernel * (in / geometry.groups); }
  // Every output channel's weights as one run.
  WeightLayout windows() const { return {sum.weight->values<std::int8_t>().data(), out, window(), kWhole, window()}; }
};

Status emit_windows(const Node& node, Planner& planner, const Conv2d& conv) {
  const Convolution& g = conv.geometry;
  const SumParameters& sum = conv.sum;
  const std::int64_t in = conv.in, out = conv.out, window = conv.window();
  auto viewed = view_input(node, planner, {-g.height.before, g.height.span(), -g.width.before, g.width.span()});
  if (!viewed.ok()) return viewed.status();
  const InputView& view = viewed.value();
  auto planned = plan_runs(node, planner, g, in, view.row_stride);
  if (!planned.ok()) return planned.status();
  const WindowRuns& runs = planned.value();
  const WeightLayout layout = {sum.weight->values<std::int8_t>().data(), out / g.groups, window, runs.weight,
                               runs.depth};
  auto packed = pack_weights(node, planner, layout, g.groups, sum.bias, sum.input_zero_point, sum.weight_zero_point);
  if (!packed.ok()) return packed.status();
  auto requantization = make_requantization(node, planner, sum.requantization, g.groups, out / g.groups);
  if (!requantization.ok()) return requantization.status();

  const std::int64_t rows = g.width.output(), lines = g.height.output();
  GemmLayer layer;
  layer.input = view.slot;
  layer.input_offset = view.offset;
  layer.output = planner.tensor(node.outputs[0]);
  layer.axes[0] = {conv.images, view.image_stride, lines * rows * out};
  // The stride of a single line could overflow.
  if (lines > 1) layer.axes[1] = {lines, g.height.stride * view.row_stride, rows * out};
  layer.axes[2] = {rows, g.width.stride * in, out};
  layer.groups = g.groups;
  layer.group_input_stride = in / g.groups;
  layer.group_columns = out / g.groups;
  layer.taps = runs.input;
  layer.depth = runs.depth;
  layer.weights = packed.value().values;
  layer.bias = packed.value().bias;
  layer.requantization = requantization.value();
  layer.weight_zero_point = sum.weight_zero_point;
  return emit_gemm(node, planner, layer, window == in ? "pointwise: one run a row" : "windows as runs of bytes");
}

// Whether tiles can compute all windows, are faster, and all accumulators are small enough for them.
bool takes_tiles(const Planner& planner, const Conv2d& conv, const WinogradShape& shape) {
  const auto fits = [](const WindowAxis& axis) { return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1; };
  const Convolution& g = conv.geometry;
  if (!fits(g.height) || !fits(g.width) || g.groups != 1 || conv.sum.weight_zero_point != 0) return false;
  if (!winograd_pays(planner.kernels(), shape)) return false;
  for (std::int64_t column = 0; column < conv.out; ++column) {
    const AccumulatorRange range = accumulator_range(conv.sum, conv.windows(), column);
    if (range.low < -kAccumulatorEnd || range.high >= kAccumulatorEnd) return false;
  }
  return true;
}

Status emit_tiles(const Node& node, Planner& planner, const Conv2d& conv, const WinogradShape& shape) {
  const Convolution& g = conv.geometry;
  auto lines =
      read_lines(node, planner.model(), {-g.height.before, shape.patch_rows(), -g.width.before, shape.patch_columns()});
  if (!lines.ok()) return lines.status();
  auto requantization = make_requantization(node, planner, conv.sum.requantization, 1, conv.out);
  if (!requantization.ok()) return requantization.status();
  WinogradLayer layer;
  layer.shape = shape;
  layer.input = planner.tensor(node.inputs[0]);
  layer.lines = lines.value();
  layer.output = planner.tensor(node.outputs[0]);
  layer.weights = conv.windows();
  layer.bias = conv.sum.bias;
  layer.input_zero_point = conv.sum.input_zero_point;
  layer.requantization = requantization.value();
  return emit_winograd(node, planner, layer);
}

}  // namespace

Status prepare_conv2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, kSumInputs, 1, kConvolutionAttrs + kSumAttrs));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 1);
  const Tensor& y = model.output(node);
  auto geometry = read_convolution(node, x, weight, y);
  if (!geometry.ok()) return geometry.status();
  const Convolution& g = geometry.value();
  const std::int64_t images = x.dims[0], in = x.dims[3], out = weight.dims[0];
  INTAGLIO_TRY(
      check_constant(node, weight, "weight", DType::kInt8, {out, g.height.kernel, g.width.kernel, in / g.groups}));
  auto sum = read_sum(node, model, out);
  if (!sum.ok()) return sum.status();
  if (y.elements == 0) return {};

  const Conv2d conv = {g, sum.value(), images, in, out};
  INTAGLIO_TRY(check_sums(node, conv.sum, conv.windows()));
  const WinogradShape shape = {images, g.height.output(), g.width.output(), out, in};
  if (takes_tiles(planner, conv, shape)) return emit_tiles(node, planner, conv, shape);
  return emit_windows(node, planner, conv);
}

}  // namespace intaglio
