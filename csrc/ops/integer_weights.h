// The weights of integer_conv2d and integer_matmul: for each output column its int8 weights end to end, and the sum of
// each tap's. Constants are packed once, computed weights in every run.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "runtime/planner.h"

namespace intaglio {

struct IntegerWeightLayout {
  std::int64_t matrices = 1, columns = 0, taps = 1, depth = 0;
  std::ptrdiff_t column_stride = 0, depth_stride = 1;  // of the input; taps follow one another

  std::int64_t column_size() const { return taps * depth; }
};

struct IntegerWeights {
  Slot values, tap_sums;                         // [matrix][column][tap][depth], [matrix][tap][column]
  const std::int8_t* constant_values = nullptr;  // where they are constant
  const std::int32_t* constant_tap_sums = nullptr;

  const std::int8_t* values_in(const Memory& memory) const;
  const std::int32_t* tap_sums_in(const Memory& memory) const;
};

// Packs the node's input 2.
Result<IntegerWeights> pack_integer_weights(const Node& node, Planner& planner, const IntegerWeightLayout& layout);

// The zero points of a product as they lie in memory, and what they add to sums of products of stored inputs (int8 +
// 128) and int8 weights, modulo 2^32.
struct ZeroPoints {
  Slot x, weight;
  std::int64_t weight_step = 0;  // 1 where each column has its own
};

// sums[c] becomes sum (x - zx)(w - zw) over `products` pairs, of which inputs_sum are the stored inputs and
// weight_sums[c] the weights. `column` is the first.
void apply_zero_points(const ZeroPoints& zero_points, const Memory& memory, std::int64_t column, std::int64_t products,
                       std::uint32_t inputs_sum, const std::int32_t* weight_sums, std::int32_t* sums,
                       std::int64_t columns);

// Both operands are int8, the zero points int32 of shapes [] and `shape` or one number, the output is int32, and
// `products` of any int8 values fit it.
Status check_integer_sum(const Node& node, const Model& model, std::int64_t products, std::int64_t columns,
                         std::size_t single_rank);

}  // namespace intaglio
