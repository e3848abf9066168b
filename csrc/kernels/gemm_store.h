// From the sums of a GEMM tile to stored bytes, for the type `Isa` that gemm_impl.h describes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"

namespace intaglio {
namespace {

// The columns that a tile works on, as the block's arrays advanced to them.
struct TileColumns {
  const std::int8_t* weights;
  std::ptrdiff_t panel_bytes;
  const std::int32_t* bias;
  std::size_t first;  // column of the block
  std::size_t count;  // valid columns
};

// Where a tile's bytes go.
struct TileOutput {
  std::uint8_t* first;
  std::ptrdiff_t stride;
  std::size_t columns;  // valid ones; nothing is written beyond them
};

// Sums [rows][vectors] in memory to bytes: for arithmetic that would crowd a tile's registers.
template <class Isa, class Round>
void requantize_sums(const Requantization& requantization, std::size_t column, const typename Isa::Vector* sums,
                     int rows, int vectors, std::uint8_t* output, std::ptrdiff_t stride) {
  constexpr std::size_t kLanes = kPanelColumns / Isa::kVectors;
  constexpr int kRows = 4 / Isa::kVectors;  // that are narrowed together
  const typename Isa::Narrow narrow(requantization);
  for (int v = 0; v < vectors; v += Isa::kVectors, column += kPanelColumns, output += kPanelColumns) {
    const Round first(requantization, column);
    const Round last(requantization, column + (Isa::kVectors - 1) * kLanes);
    for (int r = 0; r < rows; r += kRows) {
      typename Isa::Vector rounded[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const int row = r + i / Isa::kVectors;
        const typename Isa::Vector sum = sums[(row < rows ? row : r) * vectors + v + i % Isa::kVectors];
        rounded[i] = i % Isa::kVectors == 0 ? first(sum) : last(sum);
      }
      const typename Isa::Bytes bytes = narrow.bytes(rounded[0], rounded[1], rounded[2], rounded[3]);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) {
        if (r + i < rows) Isa::template store<int{kPanelColumns}>(output + (r + i) * stride, bytes, i);
      }
    }
  }
}

template <class Isa>
auto choose_requantize(const Requantization& requantization) {
  if (requantization.scale != nullptr) return &requantize_sums<Isa, typename Isa::template Float32<false>>;
  return clamps_negative(requantization) ? &requantize_sums<Isa, typename Isa::template Fixed<false>>
                                         : &requantize_sums<Isa, typename Isa::template Fixed<true>>;
}

// Requantizes the sums of MR rows and NV vectors, the first of them that of `column`, and stores them.
template <class Isa, int MR, int NV>
__attribute__((always_inline)) inline void store_tile(const Requantization& requantization,
                                                      const typename Isa::Narrow& narrow, std::size_t column,
                                                      typename Isa::Vector (&sums)[MR][NV],
                                                      const std::int32_t* row_bias, const TileOutput& output) {
  using Vector = typename Isa::Vector;
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
  constexpr int kColumns = NV * kLanes;
  constexpr int kGroup = NV < 4 ? NV : 4;  // vectors of one row in a group of four that are narrowed together
  constexpr int kWidth = kGroup * kLanes;  // bytes of one row in such a group
  if (row_bias != nullptr) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) {
      const Vector bias = Isa::splat(row_bias[r]);
#pragma GCC unroll 16
      for (int v = 0; v < NV; ++v) sums[r][v] = Isa::add(sums[r][v], bias);
    }
  }

  // A tile with columns beyond the valid ones is stored here, then copied.
  alignas(64) std::uint8_t whole[MR * kColumns];
  const bool partial = output.columns != kColumns;
  std::uint8_t* const first = partial ? whole : output.first;
  const std::ptrdiff_t stride = partial ? kColumns : output.stride;
  if (requantization.bounded) {
#pragma GCC unroll 16
    for (int i = 0; i < MR * NV; i += 4) {
      Vector rounded[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const int k = i + j < MR * NV ? i + j : MR * NV - 1;
        const std::size_t vector_column = column + static_cast<std::size_t>(k % NV * kLanes);
        rounded[j] = typename Isa::template Float32<true>(requantization, vector_column)(sums[k / NV][k % NV]);
      }
      const typename Isa::Bytes bytes = narrow.bytes(rounded[0], rounded[1], rounded[2], rounded[3]);
#pragma GCC unroll 4
      for (int piece = 0; piece < 4 / kGroup; ++piece) {
        const int row = i / NV + piece;
        if (row < MR) Isa::template store<kWidth>(first + row * stride + i % NV * kLanes, bytes, piece);
      }
    }
  } else {
    Vector stored[MR * NV];  // a copy: an array whose address is taken would not stay in registers
#pragma GCC unroll 16
    for (int k = 0; k < MR * NV; ++k) stored[k] = sums[k / NV][k % NV];
    choose_requantize<Isa>(requantization)(requantization, column, stored, MR, NV, first, stride);
  }
  if (partial) {
    for (int r = 0; r < MR; ++r) {
      Isa::template copy<kColumns>(output.first + r * output.stride, whole + r * kColumns, output.columns);
    }
  }
}

}  // namespace
}  // namespace intaglio
