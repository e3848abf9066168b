// A layer of sums of products as matrix multiplication over strided rows: what convolutions, fully connected layers and
// transposed convolutions come down to. Blocking and threads live here; there are no intrinsics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gemm/axes.h"
#include "kernels/gemm.h"
#include "runtime/planner.h"

namespace intaglio {

struct GemmLayer {
  Slot input, output;
  std::ptrdiff_t input_offset = 0;  // of the first position's byte 0
  std::ptrdiff_t output_offset = 0;
  GemmAxis axes[kGemmAxes];
  // Each group multiplies its own `depth` bytes of input by its own weights into its own columns.
  std::int64_t groups = 1;
  std::ptrdiff_t group_input_stride = 0;
  std::int64_t group_columns = 0;
  std::span<const std::ptrdiff_t> taps;  // byte offsets of the runs; lives as long as the plan
  std::int64_t depth = 0;
  const std::int8_t* weights = nullptr;  // as kernels read them, group after group
  const std::int32_t* bias = nullptr;    // of each group's columns, padded
  Requantization requantization;         // likewise
  // Weights with a zero point take a term for every output position: less the zero point times the sum of its inputs.
  std::int32_t weight_zero_point = 0;
};

// The same from a later column on.
Requantization from_column(Requantization requantization, std::int64_t column);

// Emits the steps that compute the layer. Runs once, as all planning does: better small than fast.
__attribute__((cold)) Status emit_gemm(const Node& node, Planner& planner, const GemmLayer& layer, const char* reason);

}  // namespace intaglio
