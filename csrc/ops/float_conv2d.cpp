// float_conv2d: as conv2d, over float32.
#include "gemm/float_layer.h"
#include "ops/checks.h"
#include "ops/convolution.h"
#include "ops/float_checks.h"
#include "ops/padded_input.h"

namespace intaglio {

Status prepare_float_conv2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 1, kConvolutionAttrs));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_all_float(node, model));
  auto geometry = read_convolution(node, x, weight, y);
  if (!geometry.ok()) return geometry.status();
  const Convolution& g = geometry.value();
  const std::int64_t images = x.dims[0], in = x.dims[3], out = weight.dims[0];
  INTAGLIO_TRY(check_dims(node, model.input(node, 2), "bias", {out}));
  auto bounds = read_bounds(node, model.input(node, 3));
  if (!bounds.ok()) return bounds.status();
  if (y.elements == 0) return {};

  auto viewed = view_input(node, planner, {-g.height.before, g.height.span(), -g.width.before, g.width.span()});
  if (!viewed.ok()) return viewed.status();
  const InputView& view = viewed.value();
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(float));
  const std::ptrdiff_t row_stride = view.row_stride / kSize;
  auto planned = plan_runs(node, planner, g, in, row_stride);
  if (!planned.ok()) return planned.status();
  const WindowRuns& runs = planned.value();
  const std::int64_t window = g.height.kernel * g.width.kernel * (in / g.groups);
  auto weights = pack_float_weights(node, planner, {out / g.groups, window, runs.weight, runs.depth}, g.groups);
  if (!weights.ok()) return weights.status();

  const std::int64_t rows = g.width.output(), lines = g.height.output();
  FloatLayer layer;
  layer.input = view.slot;
  layer.input_offset = view.offset / kSize;
  layer.output = planner.tensor(node.outputs[0]);
  layer.axes[0] = {images, view.image_stride / kSize, lines * rows * out};
  // The stride of a single line could overflow.
  if (lines > 1) layer.axes[1] = {lines, g.height.stride * row_stride, rows * out};
  layer.axes[2] = {rows, g.width.stride * in, out};
  layer.groups = g.groups;
  layer.group_input_stride = in / g.groups;
  layer.group_columns = out / g.groups;
  layer.taps = runs.input;
  layer.depth = runs.depth;
  layer.weights = weights.value();
  layer.low = bounds.value().low;
  layer.high = bounds.value().high;
  return emit_float_layer(node, planner, layer, window == in ? "pointwise: one run a row" : "windows as runs");
}

}  // namespace intaglio
