#include "ops/sum_of_products.h"

#include <algorithm>
#include <cstdlib>

namespace intaglio {

Result<SumParameters> read_sum(const Node& node, const Model& model, std::int64_t channels) {
  const auto attrs = node.attrs.last(kSumAttrs);
  SumParameters sum;
  sum.x = &model.input(node, 0);
  sum.weight = &model.input(node, 1);
  sum.y = &model.output(node);
  INTAGLIO_TRY(check_activation(node, *sum.x, "input"));
  INTAGLIO_TRY(check_constant(node, model.input(node, 2), "bias", DType::kInt32, {channels}));
  INTAGLIO_TRY(check_between(node, "weight_zero_point", attrs[3], -128, 127));
  auto requantization = read_requantization(node, model, 3, channels, attrs[0], attrs[1], attrs[2]);
  if (!requantization.ok()) return requantization.status();
  sum.bias = model.input(node, 2).values<std::int32_t>();
  sum.input_zero_point = sum.x->zero_point + kStorageOffset;
  sum.weight_zero_point = static_cast<std::int32_t>(attrs[3]);
  sum.requantization = requantization.value();
  return sum;
}

AccumulatorRange accumulator_range(const SumParameters& sum, const WeightLayout& layout, std::int64_t column) {
  const std::int64_t below = sum.input_zero_point;        // x - zx is -below at least
  const std::int64_t above = 255 - sum.input_zero_point;  // and above at most
  const std::int64_t bias = sum.bias[static_cast<std::size_t>(column)];
  const WeightSums weights = sum_weights(layout, column, sum.weight_zero_point);
  return {bias - weights.positive * below + weights.negative * above,
          bias + weights.positive * above - weights.negative * below};
}

Status check_sums(const Node& node, const SumParameters& sum, const WeightLayout& layout) {
  const std::int64_t farthest = std::max(sum.input_zero_point, 255 - sum.input_zero_point);
  const std::int64_t terms = static_cast<std::int64_t>(layout.taps.size()) * layout.depth;
  const std::int64_t most = terms * (128 + std::abs(sum.weight_zero_point)) * farthest;
  for (std::int64_t column = 0; column < layout.columns; ++column) {
    const std::int64_t bias = sum.bias[static_cast<std::size_t>(column)];
    // The weights are read only where their number alone does not settle it.
    if (check_accumulators(node, sum.requantization, column, bias - most, bias + most).ok()) continue;
    const AccumulatorRange range = accumulator_range(sum, layout, column);
    INTAGLIO_TRY(check_accumulators(node, sum.requantization, column, range.low, range.high));
  }
  return {};
}

}  // namespace intaglio
