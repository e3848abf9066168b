// fully_connected: x [..., K] times weight [O, K].
#include <algorithm>

#include "gemm/layer.h"
#include "gemm/weights.h"
#include "ops/sum_of_products.h"

namespace intaglio {

Status prepare_fully_connected(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, kSumInputs, 1, kSumAttrs));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_rank(node, weight, "weight", 2));
  const std::int64_t out = weight.dims[0], depth = weight.dims[1];
  INTAGLIO_TRY(check_constant(node, weight, "weight", DType::kInt8, {out, depth}));
  const auto leading = x.dims.first(x.dims.empty() ? 0 : x.dims.size() - 1);
  if (x.dims.empty() || x.dims.back() != depth) {
    return node_error(Code::kShape, node, "the last dim of the input is not %lld", static_cast<long long>(depth));
  }
  if (y.dims.size() != x.dims.size() || y.dims.back() != out ||
      !std::equal(leading.begin(), leading.end(), y.dims.begin())) {
    return node_error(Code::kShape, node, "the output's dims are not the input's with %lld in the last place",
                      static_cast<long long>(out));
  }
  auto parameters = read_sum(node, model, out);
  if (!parameters.ok()) return parameters.status();
  const SumParameters& sum = parameters.value();
  if (y.elements == 0) return {};

  auto* tap = planner.make<std::ptrdiff_t>();
  if (tap == nullptr) return out_of_memory(node);
  const WeightLayout layout = {weight.values<std::int8_t>().data(), out, depth, {tap, 1}, depth};
  INTAGLIO_TRY(check_sums(node, sum, layout));
  auto packed = pack_weights(node, planner, layout, 1, sum.bias, sum.input_zero_point, sum.weight_zero_point);
  if (!packed.ok()) return packed.status();
  auto requantization = make_requantization(node, planner, sum.requantization, 1, out);
  if (!requantization.ok()) return requantization.status();

  GemmLayer layer;
  layer.input = planner.tensor(node.inputs[0]);
  layer.output = planner.tensor(node.outputs[0]);
  layer.axes[2] = {y.elements / out, depth, out};
  layer.group_columns = out;
  layer.taps = {tap, 1};
  layer.depth = depth;
  layer.weights = packed.value().values;
  layer.bias = packed.value().bias;
  layer.requantization = requantization.value();
  layer.requantization.rounds_once = true;
  layer.weight_zero_point = sum.weight_zero_point;
  return emit_gemm(node, planner, layer, layer.axes[2].count == 1 ? "one row: read the weights once" : "");
}

}  // namespace intaglio
