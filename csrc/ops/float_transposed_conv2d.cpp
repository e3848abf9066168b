// float_transposed_conv2d: as transposed_conv2d, over float32. Phases that meet no tap hold the bias.
#include "gemm/float_layer.h"
#include "ops/checks.h"
#include "ops/float_checks.h"
#include "ops/padded_input.h"
#include "ops/transposed_phases.h"

namespace intaglio {

namespace {

constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(float));

// What all phases share.
struct Shared {
  TransposedAxes axes;
  std::int64_t images = 0, in = 0, out = 0;
  Positions rows, columns;  // of the view
  InputView view;
  FloatLayer layer;  // input, output, bounds
};

// Sets out the taps and outputs of one phase.
Status emit_phase(const Node& node, Planner& planner, const Shared& s, const Phase& down, const Phase& across) {
  const TransposedAxis &height = s.axes.height, &width = s.axes.width;
  const std::ptrdiff_t row_stride = s.view.row_stride / kSize;
  auto taps = plan_taps(node, planner, s.axes, down, across, row_stride, s.in);
  if (!taps.ok()) return taps.status();
  auto packed =
      pack_float_weights(node, planner, {s.out, height.kernel * width.kernel * s.in, taps.value().weight, s.in}, 1);
  if (!packed.ok()) return packed.status();

  FloatLayer layer = s.layer;
  layer.input_offset =
      s.view.offset / kSize + (down.input - s.rows.first) * row_stride + (across.input - s.columns.first) * s.in;
  layer.output_offset = (down.first * width.output() + across.first) * s.out;
  layer.axes[0] = {s.images, s.view.image_stride / kSize, height.output() * width.output() * s.out};
  // The stride of a single line could overflow.
  if (down.count > 1) layer.axes[1] = {down.count, row_stride, height.stride * width.output() * s.out};
  layer.axes[2] = {across.count, s.in, width.stride * s.out};
  layer.taps = taps.value().input;
  layer.depth = s.in;
  layer.weights = packed.value();
  return emit_float_layer(node, planner, layer, "one phase of the stride");
}

// All outputs as biases, for those that no phase will overwrite.
Status emit_bias(const Node& node, Planner& planner, const Shared& s) {
  auto packed = pack_float_weights(node, planner, {s.out, 0, {}, 0}, 1);
  if (!packed.ok()) return packed.status();
  FloatLayer layer = s.layer;
  layer.axes[2] = {s.images * s.axes.height.output() * s.axes.width.output(), 0, s.out};
  layer.weights = packed.value();
  return emit_float_layer(node, planner, layer, "positions without a tap");
}

}  // namespace

Status prepare_float_transposed_conv2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 1, kTransposedAttrs));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 1);
  INTAGLIO_TRY(check_all_float(node, model));
  auto axes = read_transposed(node, x, weight, model.output(node));
  if (!axes.ok()) return axes.status();
  Shared s;
  s.axes = axes.value();
  const TransposedAxis &height = s.axes.height, &width = s.axes.width;
  s.images = x.dims[0];
  s.in = x.dims[3];
  s.out = weight.dims[0];
  INTAGLIO_TRY(check_dims(node, model.input(node, 2), "bias", {s.out}));
  auto bounds = read_bounds(node, model.input(node, 3));
  if (!bounds.ok()) return bounds.status();
  if (model.output(node).elements == 0) return {};

  s.layer.input = planner.tensor(node.inputs[0]);
  s.layer.output = planner.tensor(node.outputs[0]);
  s.layer.group_columns = s.out;
  s.layer.low = bounds.value().low;
  s.layer.high = bounds.value().high;
  if (phases_with_taps(height) < height.stride || phases_with_taps(width) < width.stride) {
    INTAGLIO_TRY(emit_bias(node, planner, s));
  }
  s.rows = positions_met(height);
  s.columns = positions_met(width);
  if (s.rows.count == 0 || s.columns.count == 0) return {};
  auto view = view_input(node, planner, {s.rows.first, s.rows.count, s.columns.first, s.columns.count});
  if (!view.ok()) return view.status();
  s.view = view.value();
  s.layer.input = s.view.slot;
  return for_phases(s.axes,
                    [&](const Phase& down, const Phase& across) { return emit_phase(node, planner, s, down, across); });
}

}  // namespace intaglio
