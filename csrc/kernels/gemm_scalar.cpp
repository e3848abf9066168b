// GEMM in portable C++, for CPUs without a kernel of their own and as the plainest statement of what the others
// compute. Weights are read where they lie: such CPUs often have them in flash, and no memory for a copy.
#include "kernels/rounding_scalar.h"

namespace intaglio {
namespace {

// Rows and columns summed together: each load serves two products, and the addresses and sums fit 13 registers.
constexpr std::size_t kTile = 2;

// Sums wrap modulo 2^32, hence unsigned.
template <std::size_t kRows, std::size_t kColumns>
INTAGLIO_INLINE void add_products(std::uint32_t (&sums)[kRows][kColumns], const std::uint8_t* const (&x)[kRows],
                                  const std::int8_t* const (&w)[kColumns], std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] += static_cast<std::uint32_t>(x[r][i] * w[c][i]);
    }
  }
}

std::uint8_t requantize(std::int32_t sum, const Requantization& r, std::size_t column) {
  const std::int32_t rounded = r.scale != nullptr
                                   ? round_float32(sum, r.scale[column])
                                   : round_fixed(sum, r.multiplier[column], r.shift[column], r.rounds_once);
  return stored_byte(rounded, r);
}

// `input` and `output` are of the first row, `row_bias` too where it is not null.
template <std::size_t kRows, std::size_t kColumns>
__attribute__((noinline)) void run_tile(const GemmBlock& block, const std::uint8_t* input, std::uint8_t* output,
                                        const std::int32_t* row_bias, std::size_t column) {
  std::uint32_t sums[kRows][kColumns];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      sums[r][c] = static_cast<std::uint32_t>(block.bias[column + c]) +
                   static_cast<std::uint32_t>(row_bias != nullptr ? row_bias[r] : 0);
    }
  }
  const std::size_t column_bytes = block.groups * block.depth;
  for (std::size_t group = 0; group < block.groups; ++group) {
    const std::uint8_t* x[kRows];
    const std::int8_t* w[kColumns];
    for (std::size_t r = 0; r < kRows; ++r) {
      x[r] = input + static_cast<std::ptrdiff_t>(r) * block.input_row_stride + block.offsets[group];
    }
    for (std::size_t c = 0; c < kColumns; ++c) w[c] = block.weights + (column + c) * column_bytes + group * block.depth;
    add_products(sums, x, w, block.depth);
  }
  for (std::size_t r = 0; r < kRows; ++r, output += block.output_row_stride) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      output[column + c] = requantize(static_cast<std::int32_t>(sums[r][c]), block.requantization, column + c);
    }
  }
}

template <std::size_t kRows>
void run_rows(const GemmBlock& block, const std::uint8_t* input, std::uint8_t* output, const std::int32_t* row_bias) {
  std::size_t column = 0;
  for (; column + kTile <= block.columns; column += kTile) {
    run_tile<kRows, kTile>(block, input, output, row_bias, column);
  }
  if (column < block.columns) run_tile<kRows, 1>(block, input, output, row_bias, column);
}

void run_gemm_block(const GemmBlock& block) {
  for (std::size_t line = 0; line < block.lines; ++line) {
    const auto l = static_cast<std::ptrdiff_t>(line);
    const std::uint8_t* input = block.input + l * block.input_line_stride;
    std::uint8_t* output = block.output + l * block.output_line_stride;
    const std::int32_t* row_bias = block.row_bias != nullptr ? block.row_bias + line * block.rows : nullptr;
    for (std::size_t row = 0; row < block.rows; row += kTile) {
      if (row + kTile <= block.rows) {
        run_rows<kTile>(block, input, output, row_bias);
      } else {
        run_rows<1>(block, input, output, row_bias);
      }
      input += static_cast<std::ptrdiff_t>(kTile) * block.input_row_stride;
      output += static_cast<std::ptrdiff_t>(kTile) * block.output_row_stride;
      if (row_bias != nullptr) row_bias += kTile;
    }
  }
}

std::uint64_t exercise_dots(std::uint64_t repeats) {
  constexpr std::size_t kDepth = 64;
  const std::uint8_t inputs[kDepth] = {1, 2, 3, 4};
  const std::int8_t weights[kDepth] = {1, 2, 3, 4, 5, 6, 7, 8};
  std::uint32_t sums[kTile][kTile] = {};
  for (std::uint64_t repeat = 0; repeat < repeats; ++repeat) {
    asm volatile("" : : "r"(inputs), "r"(weights) : "memory");
    add_products(sums, {inputs, inputs}, {weights, weights}, kDepth);
  }
  asm volatile("" : : "r"(sums) : "memory");
  return repeats * kTile * kTile * kDepth;
}

}  // namespace

extern const GemmKernels gemm_u8s8_2x2_scalar = {
    .name = "gemm_u8s8_2x2_scalar", .run = &run_gemm_block, .exercise = &exercise_dots, .in_place = true};

}  // namespace intaglio
