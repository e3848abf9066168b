#include "ops/transpose_bytes.h"

#include <algorithm>
#include <cstring>

namespace intaglio {

namespace {

constexpr std::int64_t kTile = 8;

// Exchanges the high parts of a with the low parts of b; parts are `kBits` wide and `mask` holds the low ones.
template <int kBits>
void exchange(std::uint64_t& a, std::uint64_t& b, std::uint64_t mask) {
  const std::uint64_t difference = ((a >> kBits) ^ b) & mask;
  b ^= difference;
  a ^= difference << kBits;
}

// One tile of 8 by 8 in eight little-endian words: quarters, then quarters of those, then single bytes.
void transpose_tile(const std::byte* from, std::ptrdiff_t from_stride, std::byte* to, std::ptrdiff_t to_stride) {
  std::uint64_t word[kTile];
#pragma GCC unroll 8
  for (int i = 0; i < kTile; ++i) std::memcpy(&word[i], from + i * from_stride, sizeof(word[i]));
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) exchange<32>(word[i], word[i + 4], 0x00000000FFFFFFFF);
#pragma GCC unroll 8
  for (const int i : {0, 1, 4, 5}) exchange<16>(word[i], word[i + 2], 0x0000FFFF0000FFFF);
#pragma GCC unroll 8
  for (const int i : {0, 2, 4, 6}) exchange<8>(word[i], word[i + 1], 0x00FF00FF00FF00FF);
#pragma GCC unroll 8
  for (int i = 0; i < kTile; ++i) std::memcpy(to + i * to_stride, &word[i], sizeof(word[i]));
}

// Byte by byte, along the longer side.
void transpose_rest(const std::byte* from, std::ptrdiff_t from_stride, std::byte* to, std::ptrdiff_t to_stride,
                    std::int64_t rows, std::int64_t columns) {
  if (rows >= columns) {
    for (std::int64_t j = 0; j < columns; ++j) {
      for (std::int64_t i = 0; i < rows; ++i) to[i * to_stride + j] = from[j * from_stride + i];
    }
  } else {
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) to[i * to_stride + j] = from[j * from_stride + i];
    }
  }
}

}  // namespace

void transpose_bytes(const std::byte* from, std::ptrdiff_t from_stride, std::byte* to, std::ptrdiff_t to_stride,
                     std::int64_t rows, std::int64_t columns) {
  const std::int64_t whole_rows = rows / kTile * kTile, whole_columns = columns / kTile * kTile;
  for (std::int64_t j = 0; j < whole_columns; j += kTile) {
    for (std::int64_t i = 0; i < whole_rows; i += kTile) {
      transpose_tile(from + j * from_stride + i, from_stride, to + i * to_stride + j, to_stride);
    }
  }
  transpose_rest(from + whole_columns * from_stride, from_stride, to + whole_columns, to_stride, rows,
                 columns - whole_columns);
  transpose_rest(from + whole_rows, from_stride, to + whole_rows * to_stride, to_stride, rows - whole_rows,
                 whole_columns);
}

}  // namespace intaglio
