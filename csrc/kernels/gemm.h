// The kernels of integer matrix multiplication, and the contract between them and csrc/gemm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/memory.h"

namespace intaglio {

// How an accumulator becomes a stored byte (docs/arithmetic.md, "Requantization"). Per-column arrays are padded as
// GemmKernels::padded_columns() says and advanced to the block's first column.
struct Requantization {
  const float* scale = nullptr;              // float32 mode; nullptr in fixed mode
  bool bounded = false;                      // float32 mode: no scale exceeds 1/2, so scaled sums fit int32
  const std::int32_t* multiplier = nullptr;  // fixed mode
  const std::int32_t* shift = nullptr;       // fixed mode
  bool rounds_once = false;                  // fixed mode: mbqm_once instead of mbqm
  std::int32_t zero_point = 0;               // of the stored byte, [0, 255]
  std::int32_t low = 0, high = 255;          // clamp, of the stored byte
};

// Whether sums below zero all become `low`.
constexpr bool clamps_negative(const Requantization& r) { return r.low >= r.zero_point; }

// Sums are taken four bytes of input, a group, at a time; the last group of a run of contiguous bytes may reach up to 3
// bytes past it, and kernels may read up to 15 past it. Packed weights, "16c4": [panel][group][16 columns][4 bytes]
// int8; columns and bytes that do not exist are zero. Every instruction set with vectors reads the same packing.
// Kernels without, those `in_place`, have runs as groups and weights as files hold them: [column][group][bytes of a
// run].
inline constexpr std::size_t kPanelColumns = 16;
inline constexpr std::size_t kGroupBytes = 4;

constexpr std::size_t panel_bytes(std::size_t groups) { return groups * kPanelColumns * kGroupBytes; }

// Constants that will be read soon, to be fetched into the second-level cache.
struct Fetch {
  const std::int8_t* first = nullptr;
  std::size_t bytes = 0;
};

// A block of outputs: (lines x rows) x columns, each a sum over `groups` groups of input bytes.
// Accumulators wrap modulo 2^32; the caller proves that the final value fits int32.
struct GemmBlock {
  const std::uint8_t* input = nullptr;   // first byte of the first row of the first line
  std::ptrdiff_t input_row_stride = 0;   // bytes from one row to the next
  std::ptrdiff_t input_line_stride = 0;  // bytes from one line to the next
  std::size_t rows = 0;                  // per line
  std::size_t lines = 1;
  const std::int32_t* offsets = nullptr;   // [groups]: each group's distance in bytes from the row's first byte
  std::size_t groups = 0;                  // may be 0: outputs are then requantized biases
  std::size_t depth = 0;                   // bytes of a run
  bool one_run = false;                    // the offsets are 0, 4, 8 ...
  const std::int8_t* weights = nullptr;    // starting at the block's first column
  const std::int32_t* bias = nullptr;      // zero-point corrections folded in; padded and advanced like the above
  const std::int32_t* row_bias = nullptr;  // [lines][rows], added to every column of a row; or nullptr
  Requantization requantization;
  std::uint8_t* output = nullptr;
  std::ptrdiff_t output_row_stride = 0;
  std::ptrdiff_t output_line_stride = 0;
  std::size_t columns = 0;       // of the block; nothing is written beyond them
  const Fetch* next = nullptr;   // what to fetch during the last columns, or nullptr
  std::byte* scratch = nullptr;  // aligned as all memory is, GemmKernels::scratch_bytes() of it
};

// Blocks of fewer rows are not widened.
inline constexpr std::size_t kLeastWideRows = 4;
// What groups of bytes take as int16.
constexpr std::size_t wide_bytes(std::size_t groups) { return groups * kGroupBytes * sizeof(std::int16_t); }
// The same for all rows of a block, with what is written beyond the last, and aligned.
constexpr std::size_t wide_rows_bytes(std::size_t rows, std::size_t groups) {
  return align_up(wide_bytes(rows * groups) + kSlack);
}

struct GemmKernels {
  const char* name;
  void (*run)(const GemmBlock& block);
  // Does dot products on registers alone, `repeats` times over; returns the multiply-accumulates done.
  std::uint64_t (*exercise)(std::uint64_t repeats);
  // Taken from every byte of input before it is multiplied, for instructions whose operands are both signed: the bias
  // has to make up for it, by this times the sum of the column's weights.
  std::int32_t input_offset = 0;
  bool in_place = false;  // whole runs as groups, weights as files hold them, nothing padded
  bool widens = false;    // the rows of a block and a panel of weights to int16, in its scratch memory

  std::size_t padded_columns(std::size_t columns) const {
    return in_place ? columns : (columns + kPanelColumns - 1) / kPanelColumns * kPanelColumns;
  }
  // Bytes of input and weights that one group takes.
  std::size_t bytes_of_group(std::size_t depth) const { return in_place ? depth : kGroupBytes; }
  std::size_t group_count(std::size_t runs, std::size_t depth) const {
    return depth == 0 ? 0 : runs * ((depth + bytes_of_group(depth) - 1) / bytes_of_group(depth));
  }
  std::size_t weight_bytes(std::size_t columns, std::size_t runs, std::size_t depth) const {
    return padded_columns(columns) * group_count(runs, depth) * bytes_of_group(depth);
  }
  // Of a block of so many rows in all its lines.
  std::size_t scratch_bytes(std::size_t rows, std::size_t groups) const {
    return widens && rows >= kLeastWideRows ? wide_rows_bytes(rows, groups) + panel_bytes(2 * groups) : 0;
  }
};

}  // namespace intaglio
