// What conv2d, depthwise_conv2d, transposed_conv2d and fully_connected have in common: the inputs x, weight, bias,
// scale, shift, the attributes requant, clamp[2], weight_zero_point, and the proof that no accumulator overflows.
#pragma once

#include <cstdint>
#include <span>

#include "gemm/pack.h"
#include "ops/convolution.h"
#include "ops/requantization.h"

namespace intaglio {

inline constexpr std::size_t kSumInputs = 5;
inline constexpr std::size_t kSumAttrs = 4;

struct SumParameters {
  const Tensor* x = nullptr;
  const Tensor* weight = nullptr;
  const Tensor* y = nullptr;
  std::span<const std::int32_t> bias;
  std::int32_t input_zero_point = 0;  // of x as stored, [0, 255]
  std::int32_t weight_zero_point = 0;
  RequantizationParameters requantization;
};

// Checks and reads all of that; the last kSumAttrs attributes are the common ones. Shapes of x, weight and y are left
// to the op, which must have checked the counts of inputs and attributes and that `weight` has `channels` output
// channels.
Result<SumParameters> read_sum(const Node& node, const Model& model, std::int64_t channels);

// What the accumulator of one column of the layout can be.
struct AccumulatorRange {
  std::int64_t low, high;
};
AccumulatorRange accumulator_range(const SumParameters& sum, const WeightLayout& layout, std::int64_t column);

// Proves for every column of the layout (an output channel with all its weights) that its accumulator fits.
Status check_sums(const Node& node, const SumParameters& sum, const WeightLayout& layout);

}  // namespace intaglio
