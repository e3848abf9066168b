// The kernels of float32 sums of products. Every sum is a chain of fused multiply-adds in the order of
// docs/arithmetic.md, "Float32"; strides and offsets are in elements.
#pragma once

#include <cstddef>

namespace intaglio {

// Packed weights: [panel][tap][depth][16 columns]; columns that do not exist are zero.
inline constexpr std::size_t kFloatPanelColumns = 16;

// A block of outputs, (lines x rows) x columns, and a stretch of their sums: `tap_count` runs of `depth` inputs.
struct FloatGemmBlock {
  const float* input = nullptr;  // first element of the first row of the first line
  std::ptrdiff_t input_row_stride = 0, input_line_stride = 0;
  std::size_t rows = 0;  // per line
  std::size_t lines = 1;
  const std::ptrdiff_t* taps = nullptr;  // offset of each run from the row's first element
  std::size_t tap_count = 0;             // may be 0
  std::size_t depth = 0;
  const float* weights = nullptr;  // of the first panel
  std::ptrdiff_t panel_stride = 0;
  const float* bias = nullptr;  // padded to whole panels; nullptr where the sums go on from what the output holds
  float low = 0, high = 0;
  float* output = nullptr;
  std::ptrdiff_t output_row_stride = 0, output_line_stride = 0;
  std::size_t columns = 0;  // nothing is read or written beyond them
};

// A row of depthwise outputs.
struct FloatDepthwiseRow {
  const float* input = nullptr;     // of the first output
  std::ptrdiff_t input_stride = 0;  // from one output to the next
  const std::ptrdiff_t* taps = nullptr;
  std::size_t tap_count = 0;
  const float* weights = nullptr;  // [tap][channels]
  const float* bias = nullptr;
  float low = 0, high = 0;
  float* output = nullptr;  // [outputs][channels]
  std::size_t outputs = 0, channels = 0;
};

struct FloatGemmKernels {
  const char* name;
  void (*run)(const FloatGemmBlock& block);
  const char* depthwise_name;
  void (*run_depthwise)(const FloatDepthwiseRow& row);
};

}  // namespace intaglio
