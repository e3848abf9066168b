// A layer of float32 sums of products: as gemm/layer.h, with strides and offsets in elements. Weights and biases may be
// constants, packed once, or computed, and then packed by a step of every run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gemm/axes.h"
#include "kernels/float_gemm.h"
#include "runtime/planner.h"

namespace intaglio {

// Where the weights of some output columns lie.
struct FloatWeightLayout {
  std::int64_t columns = 0;
  std::ptrdiff_t column_stride = 0;      // from one output column to the next
  std::span<const std::ptrdiff_t> taps;  // offset of each run of `depth` weights; lives as long as the plan
  std::int64_t depth = 0;
  std::ptrdiff_t depth_stride = 1;  // from one weight of a run to the next

  std::ptrdiff_t panel_stride() const;
  // Elements of the packed panels.
  std::size_t packed_size() const;
};

void pack_float_panels(const FloatWeightLayout& layout, const float* values, float* packed);

// The panels and padded biases of each group, one after the other.
struct FloatWeights {
  Slot panels, bias;
  const float* constant_panels = nullptr;  // where they are constant
  const float* constant_bias = nullptr;

  const float* panels_in(const Memory& memory) const;
  const float* bias_in(const Memory& memory) const;
};

// Packs the node's inputs 1 (weights) and 2 (biases) for `groups` groups of layout.columns columns.
Result<FloatWeights> pack_float_weights(const Node& node, Planner& planner, const FloatWeightLayout& layout,
                                        std::int64_t groups);

// One matrix product: what does not depend on where its operands lie.
struct FloatProduct {
  void (*run)(const FloatGemmBlock& block) = nullptr;
  std::span<const std::ptrdiff_t> taps;  // lives as long as the plan
  std::int64_t depth = 0;
  std::ptrdiff_t input_row_stride = 0, input_line_stride = 0;
  std::ptrdiff_t output_row_stride = 0, output_line_stride = 0;
  float low = 0, high = 0;

  // Lines x rows x columns of outputs; the operands begin at the first of them.
  void multiply(const float* input, const float* panels, const float* bias, float* output, std::int64_t lines,
                std::int64_t rows, std::int64_t columns) const;
};

struct FloatLayer {
  Slot input, output;
  std::ptrdiff_t input_offset = 0, output_offset = 0;  // of the first position
  GemmAxis axes[kGemmAxes];                            // images, lines, rows
  std::int64_t groups = 1;
  std::ptrdiff_t group_input_stride = 0;
  std::int64_t group_columns = 0;
  std::span<const std::ptrdiff_t> taps;  // lives as long as the plan
  std::int64_t depth = 0;
  FloatWeights weights;
  float low = 0, high = 0;
};

__attribute__((cold)) Status emit_float_layer(const Node& node, Planner& planner, const FloatLayer& layer,
                                              const char* reason);

}  // namespace intaglio
