// The micro-kernels of integer matrix multiplication, and the contract between them and csrc/gemm.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intaglio {

// How an accumulator becomes a stored byte (docs/arithmetic.md, "Requantization"). Per-column arrays are padded to a
// multiple of 16 columns and advanced to the tile's first column.
struct Requantization {
  const float* scale = nullptr;              // float32 mode; nullptr in fixed mode
  const std::int32_t* multiplier = nullptr;  // fixed mode
  const std::int32_t* shift = nullptr;       // fixed mode
  std::int32_t zero_point = 0;               // of the stored byte, [0, 255]
  std::int32_t low = 0, high = 255;          // clamp, of the stored byte
};

// One tile: rows x columns outputs, each a sum over `taps` runs of `depth` contiguous bytes of its row's input.
struct GemmTile {
  const std::uint8_t* const* rows = nullptr;  // address of each output row's first input byte
  const std::ptrdiff_t* taps = nullptr;       // byte offset of each run from the row's address
  std::size_t tap_count = 0;
  std::size_t depth = 0;                      // bytes in a run; kernels may read up to 63 bytes past the end of one
  const std::byte* weights = nullptr;         // packed panel(s), starting at the tile's first column
  std::size_t panel_bytes = 0;                // from one panel to the next
  const std::int32_t* bias = nullptr;         // zero-point corrections folded in; padded and advanced like the above
  const std::int32_t* row_bias = nullptr;     // added to every column of a row, or nullptr
  Requantization requantization;
  std::uint8_t* out = nullptr;
  std::ptrdiff_t out_stride = 0;  // bytes from one row to the next
  std::size_t columns = 0;        // valid columns of the tile; nothing is written beyond them
};

using GemmFunction = void (*)(const GemmTile& tile);

}  // namespace intaglio
