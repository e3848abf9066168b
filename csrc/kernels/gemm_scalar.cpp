// GEMM in portable C++, for CPUs without a kernel of their own and as the plainest statement of what the others
// compute.
#include "kernels/rounding_scalar.h"

namespace intaglio {
namespace {

// Sums wrap modulo 2^32, hence unsigned.
using Sums = std::uint32_t[kPanelColumns];

void add_products(Sums& sums, const std::uint8_t* x, const std::int8_t* weights) {
  for (std::size_t column = 0; column < kPanelColumns; ++column) {
    const std::int8_t* w = weights + column * kGroupBytes;
    sums[column] += static_cast<std::uint32_t>(x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3]);
  }
}

std::uint8_t requantize(std::int32_t sum, const Requantization& r, std::size_t column) {
  const std::int32_t rounded = r.scale != nullptr
                                   ? round_float32(sum, r.scale[column])
                                   : round_fixed(sum, r.multiplier[column], r.shift[column], r.rounds_once);
  return stored_byte(rounded, r);
}

void run_panel(const GemmBlock& block, std::size_t column, std::size_t line, std::size_t row) {
  const auto r = static_cast<std::ptrdiff_t>(row);
  const auto l = static_cast<std::ptrdiff_t>(line);
  const std::uint8_t* input = block.input + l * block.input_line_stride + r * block.input_row_stride;
  const std::int8_t* weights = block.weights + column / kPanelColumns * panel_bytes(block.groups);
  const std::int32_t row_bias = block.row_bias != nullptr ? block.row_bias[line * block.rows + row] : 0;
  Sums sums;
  for (std::size_t i = 0; i < kPanelColumns; ++i) {
    sums[i] = static_cast<std::uint32_t>(block.bias[column + i]) + static_cast<std::uint32_t>(row_bias);
  }
  for (std::size_t group = 0; group < block.groups; ++group) {
    add_products(sums, input + block.offsets[group], weights + panel_bytes(group));
  }
  std::uint8_t* output = block.output + l * block.output_line_stride + r * block.output_row_stride;
  for (std::size_t i = column; i < block.columns && i < column + kPanelColumns; ++i) {
    output[i] = requantize(static_cast<std::int32_t>(sums[i - column]), block.requantization, i);
  }
}

void run_gemm_block(const GemmBlock& block) {
  for (std::size_t column = 0; column < block.columns; column += kPanelColumns) {
    for (std::size_t line = 0; line < block.lines; ++line) {
      for (std::size_t row = 0; row < block.rows; ++row) run_panel(block, column, line, row);
    }
  }
}

std::uint64_t exercise_dots(std::uint64_t repeats) {
  std::uint8_t x[kGroupBytes] = {1, 2, 3, 4};
  std::int8_t w[kPanelColumns * kGroupBytes] = {1, 2, 3, 4, 5, 6, 7, 8};
  Sums sums = {};
  for (std::uint64_t repeat = 0; repeat < repeats; ++repeat) {
    asm volatile("" : : "r"(x), "r"(w) : "memory");
    add_products(sums, x, w);
  }
  asm volatile("" : : "r"(sums) : "memory");
  return repeats * kPanelColumns * kGroupBytes;
}

}  // namespace

extern const GemmKernels gemm_u8s8_1x16c4_scalar = {"gemm_u8s8_1x16c4_scalar", &run_gemm_block, &exercise_dots};

}  // namespace intaglio
