// Weights in the order that GEMM kernels read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/gemm.h"

namespace intaglio {

// Where the weights of some output columns lie.
struct WeightLayout {
  const std::int8_t* values = nullptr;
  std::int64_t columns = 0;
  std::ptrdiff_t column_stride = 0;      // elements from one output column to the next
  std::span<const std::ptrdiff_t> taps;  // element offset of each run of `depth` weights
  std::int64_t depth = 0;
  std::ptrdiff_t depth_stride = 1;  // elements from one weight of a run to the next
};

// Writes every byte of what these kernels read. Each weight is XORed with `flip`: 0x80 turns stored activations into
// int8.
void pack(const GemmKernels& kernels, const WeightLayout& layout, std::int8_t* packed, std::uint8_t flip = 0);
// Whether these kernels read the weights as they lie.
bool lies_packed(const GemmKernels& kernels, const WeightLayout& layout);

// Sums of one column's weights, each less the weight zero point.
struct WeightSums {
  std::int64_t positive = 0;  // of those above zero
  std::int64_t negative = 0;  // of those below
  std::int64_t total() const { return positive + negative; }
};
WeightSums sum_weights(const WeightLayout& layout, std::int64_t column, std::int32_t zero_point);

}  // namespace intaglio
