// transposed_conv2d by output phases: outputs that are congruent modulo the stride meet the same taps, so each phase is
// a convolution of stride 1 with those taps alone, written with the stride's steps. Phases that meet no tap hold the
// requantized bias.
#include "gemm/layer.h"
#include "gemm/weights.h"
#include "ops/padded_input.h"
#include "ops/sum_of_products.h"
#include "ops/transposed_phases.h"

namespace intaglio {

namespace {

// What all phases share.
struct Shared {
  TransposedAxes axes;
  std::int64_t in = 0, out = 0;
  Positions rows, columns;  // of the view
  InputView view;
  GemmLayer layer;  // input, output, requantization, zero points
};

// Sets out the taps and outputs of one phase.
Status emit_phase(const Node& node, Planner& planner, const SumParameters& sum, const Shared& s, const Phase& down,
                  const Phase& across) {
  const TransposedAxis &height = s.axes.height, &width = s.axes.width;
  auto taps = plan_taps(node, planner, s.axes, down, across, s.view.row_stride, s.in);
  if (!taps.ok()) return taps.status();
  const WeightLayout layout = {sum.weight->values<std::int8_t>().data(), s.out, height.kernel * width.kernel * s.in,
                               taps.value().weight, s.in};
  auto packed = pack_weights(node, planner, layout, 1, sum.bias, sum.input_zero_point, sum.weight_zero_point);
  if (!packed.ok()) return packed.status();

  GemmLayer layer = s.layer;
  layer.input_offset =
      s.view.offset + (down.input - s.rows.first) * s.view.row_stride + (across.input - s.columns.first) * s.in;
  layer.output_offset = (down.first * width.output() + across.first) * s.out;
  layer.axes[0] = {sum.x->dims[0], s.view.image_stride, height.output() * width.output() * s.out};
  // The stride of a single line could overflow.
  if (down.count > 1) layer.axes[1] = {down.count, s.view.row_stride, height.stride * width.output() * s.out};
  layer.axes[2] = {across.count, s.in, width.stride * s.out};
  layer.taps = taps.value().input;
  layer.depth = s.in;
  layer.weights = packed.value().values;
  layer.bias = packed.value().bias;
  return emit_gemm(node, planner, layer, "one phase of the stride");
}

// All outputs as requantized biases, for those that no phase will overwrite.
Status emit_bias(const Node& node, Planner& planner, const SumParameters& sum, const Shared& s) {
  auto packed = pack_weights(node, planner, {sum.weight->values<std::int8_t>().data(), s.out, 0, {}, 0}, 1, sum.bias,
                             sum.input_zero_point, sum.weight_zero_point);
  if (!packed.ok()) return packed.status();
  GemmLayer layer = s.layer;
  layer.weight_zero_point = 0;
  layer.axes[2] = {sum.y->elements / s.out, 0, s.out};
  layer.weights = packed.value().values;
  layer.bias = packed.value().bias;
  return emit_gemm(node, planner, layer, "positions without a tap");
}

}  // namespace

Status prepare_transposed_conv2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, kSumInputs, 1, kTransposedAttrs + kSumAttrs));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 1);
  Shared s;
  auto axes = read_transposed(node, x, weight, model.output(node));
  if (!axes.ok()) return axes.status();
  s.axes = axes.value();
  const TransposedAxis &height = s.axes.height, &width = s.axes.width;
  s.in = x.dims[3];
  s.out = weight.dims[0];
  INTAGLIO_TRY(check_constant(node, weight, "weight", DType::kInt8, {s.out, height.kernel, width.kernel, s.in}));
  auto parameters = read_sum(node, model, s.out);
  if (!parameters.ok()) return parameters.status();
  const SumParameters& sum = parameters.value();
  if (sum.y->elements == 0) return {};

  const std::int64_t window = height.kernel * width.kernel * s.in;
  const std::ptrdiff_t whole[] = {0};
  INTAGLIO_TRY(check_sums(node, sum, {weight.values<std::int8_t>().data(), s.out, window, whole, window}));
  auto requantization = make_requantization(node, planner, sum.requantization, 1, s.out);
  if (!requantization.ok()) return requantization.status();

  s.layer.input = planner.tensor(node.inputs[0]);
  s.layer.output = planner.tensor(node.outputs[0]);
  s.layer.group_columns = s.out;
  s.layer.requantization = requantization.value();
  s.layer.weight_zero_point = sum.weight_zero_point;
  if (phases_with_taps(height) < height.stride || phases_with_taps(width) < width.stride) {
    INTAGLIO_TRY(emit_bias(node, planner, sum, s));
  }
  s.rows = positions_met(height);
  s.columns = positions_met(width);
  if (s.rows.count == 0 || s.columns.count == 0) return {};
  auto view = view_input(node, planner, {s.rows.first, s.rows.count, s.columns.first, s.columns.count});
  if (!view.ok()) return view.status();
  s.view = view.value();
  s.layer.input = s.view.slot;
  return for_phases(
      s.axes, [&](const Phase& down, const Phase& across) { return emit_phase(node, planner, sum, s, down, across); });
}

}  // namespace intaglio
