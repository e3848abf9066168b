// conv2d: a matrix multiplication over windows. Padding, if any, is copied in first, so a window is a few contiguous
// runs of bytes at the same offsets everywhere: one per kernel row, or one per tap where columns are dilated or
// grouped.
#include "gemm/layer.h"
#include "gemm/weights.h"
#include "ops/convolution.h"
#include "ops/padded_input.h"
#include "ops/sum_of_products.h"

namespace intaglio {

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
  auto parameters = read_sum(node, model, out);
  if (!parameters.ok()) return parameters.status();
  const SumParameters& sum = parameters.value();
  if (y.elements == 0) return {};

  const std::int64_t window = g.height.kernel * g.width.kernel * (in / g.groups);
  const std::ptrdiff_t whole[] = {0};
  INTAGLIO_TRY(check_sums(node, sum, {weight.values<std::int8_t>().data(), out, window, whole, window}));

  auto viewed = view_input(node, planner, {-g.height.before, g.height.span(), -g.width.before, g.width.span()});
  if (!viewed.ok()) return viewed.status();
  const InputView& view = viewed.value();
  auto planned = plan_runs(node, planner, g, in, view.row_stride);
  if (!planned.ok()) return planned.status();
  const WindowRuns& runs = planned.value();
  const WeightLayout layout = {weight.values<std::int8_t>().data(), out / g.groups, window, runs.weight, runs.depth};
  auto packed = pack_weights(node, planner, layout, g.groups, sum.bias, sum.input_zero_point, sum.weight_zero_point);
  if (!packed.ok()) return packed.status();
  auto requantization = make_requantization(node, planner, sum.requantization, g.groups, out / g.groups);
  if (!requantization.ok()) return requantization.status();

  const std::int64_t rows = g.width.output(), lines = g.height.output();
  GemmLayer layer;
  layer.input = view.slot;
  layer.input_offset = view.offset;
  layer.output = planner.tensor(node.outputs[0]);
  layer.axes[0] = {images, view.image_stride, lines * rows * out};
  // The stride of a single line could overflow.
  if (lines > 1) layer.axes[1] = {lines, g.height.stride * view.row_stride, rows * out};
  layer.axes[2] = {rows, g.width.stride * in, out};
  layer.groups = g.groups;
  layer.group_input_stride = in / g.groups;
  layer.group_columns = out / g.groups;
  layer.taps = runs.input;
  layer.depth = runs.depth;
  layer.weights = packed.value().panels;
  layer.bias = packed.value().bias;
  layer.requantization = requantization.value();
  layer.weight_zero_point = sum.weight_zero_point;
  return emit_gemm(node, planner, layer, window == in ? "pointwise: one run a row" : "windows as runs of bytes");
}

}  // namespace intaglio
