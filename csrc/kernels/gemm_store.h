// From the sums of a GEMM tile to stored bytes, for the type `Isa` that gemm_impl.h describes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/gemm.h"
#include "kernels/gemm_tiles.h"
#include "kernels/inline.h"
#include "kernels/narrowing.h"

namespace intaglio {
namespace {

// Where a tile's bytes go.
struct TileOutput {
  std::uint8_t* first;
  std::ptrdiff_t stride;
  std::size_t columns;  // valid ones; nothing is written beyond them
};

// The piece-th kWidth bytes, of which `columns` are valid; where the instruction set has no masks, all are stored.
template <class Isa, int kWidth>
INTAGLIO_INLINE void store_valid(std::uint8_t* p, typename Isa::Bytes bytes, int piece,
                                 [[maybe_unused]] std::size_t columns) {
  if constexpr (Isa::kMasksStores) {
    if (columns < kWidth) [[unlikely]]
      return Isa::template store<kWidth>(p, bytes, piece, columns);
  }
  Isa::template store<kWidth>(p, bytes, piece);
}

// Four rounded vectors out of those of MR rows and NV vectors, from the i-th on, to bytes.
template <class Isa, Narrowing kNarrowing, int MR, int NV>
INTAGLIO_INLINE void narrow_four(const typename Isa::Narrow& narrow, const typename Isa::Vector (&rounded)[4], int i,
                                 std::size_t columns, std::uint8_t* first, std::ptrdiff_t stride) {
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
  constexpr int kGroup = NV < 4 ? NV : 4;  // vectors of one row in a group of four that are narrowed together
  constexpr int kWidth = kGroup * kLanes;  // bytes of one row in such a group
  const typename Isa::Bytes bytes = narrow.template bytes<kNarrowing>(rounded[0], rounded[1], rounded[2], rounded[3]);
#pragma GCC unroll 4
  for (int piece = 0; piece < 4 / kGroup; ++piece) {
    const int row = i / NV + piece;
    if (row < MR) store_valid<Isa, kWidth>(first + row * stride + i % NV * kLanes, bytes, piece, columns);
  }
}

// Sums in memory to bytes, for arithmetic that would crowd a tile's registers, and once for all numbers of rows.
template <class Isa, class Round, int NV, std::size_t... v>
INTAGLIO_INLINE void round_rows(const Requantization& requantization, std::size_t column,
                                const typename Isa::Vector (*sums)[NV], int rows, std::size_t columns,
                                std::uint8_t* first, std::ptrdiff_t stride, std::index_sequence<v...>) {
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
  constexpr int kGroup = NV < 4 ? NV : 4;
  constexpr int kRows = 4 / kGroup;  // rows in a group of four vectors
  const typename Isa::Narrow narrow(requantization);
  const Round round[] = {Round(requantization, column + v * kLanes)...};
  for (int row = 0; row < rows; row += kRows) {
#pragma GCC unroll 16
    for (int i = 0; i < NV; i += kGroup) {
      typename Isa::Vector rounded[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const int r = row + j / kGroup;
        rounded[j] = r < rows ? round[i + j % kGroup](sums[r][i + j % kGroup]) : rounded[0];
      }
      const typename Isa::Bytes bytes =
          narrow.template bytes<Narrowing::kClamp>(rounded[0], rounded[1], rounded[2], rounded[3]);
#pragma GCC unroll 4
      for (int piece = 0; piece < kRows; ++piece) {
        if (row + piece < rows) {
          store_valid<Isa, kGroup * kLanes>(first + (row + piece) * stride + i * kLanes, bytes, piece, columns);
        }
      }
    }
  }
}

template <class Isa, class Round, int NV>
void round_stored(const Requantization& requantization, std::size_t column, const typename Isa::Vector (*sums)[NV],
                  int rows, std::size_t columns, std::uint8_t* first, std::ptrdiff_t stride) {
  round_rows<Isa, Round, NV>(requantization, column, sums, rows, columns, first, stride,
                             std::make_index_sequence<NV>());
}

template <class Isa, int NV>
auto choose_round(const Requantization& requantization) {
  if (requantization.scale != nullptr) return &round_stored<Isa, typename Isa::template Float32<false>, NV>;
  return clamps_negative(requantization) ? &round_stored<Isa, typename Isa::template Fixed<false>, NV>
                                         : &round_stored<Isa, typename Isa::template Fixed<true>, NV>;
}

// Rounds the sums of MR rows and NV vectors, the first of them that of `column`, where they are: once for all ways of
// narrowing. v counts the vectors.
template <class Isa, int MR, int NV, std::size_t... v>
INTAGLIO_INLINE void round_tile(const Requantization& requantization, std::size_t column,
                                typename Isa::Vector (&sums)[MR][NV], std::index_sequence<v...>) {
  using Round = typename Isa::template Float32<true>;
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
  const Round round[] = {Round(requantization, column + v * kLanes)...};
#pragma GCC unroll 32
  for (int k = 0; k < MR * NV; ++k) sums[k / NV][k % NV] = round[k % NV](sums[k / NV][k % NV]);
}

// Requantizes the sums of MR rows and NV vectors, the first of them that of `column`, and stores them.
// kBounded: the requantization is bounded, always.
template <class Isa, bool kBounded = false, int MR, int NV>
INTAGLIO_INLINE void store_tile(const Requantization& requantization, const typename Isa::Narrow& narrow,
                                std::size_t column, typename Isa::Vector (&sums)[MR][NV], const std::int32_t* row_bias,
                                const TileOutput& output) {
  using Vector = typename Isa::Vector;
  constexpr int kColumns = NV * (int{kPanelColumns} / Isa::kVectors);
  if (row_bias != nullptr) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) {
      const Vector bias = Isa::splat(row_bias[r]);
#pragma GCC unroll 16
      for (int v = 0; v < NV; ++v) sums[r][v] = Isa::add(sums[r][v], bias);
    }
  }

  const auto store = [&](std::uint8_t* first, std::ptrdiff_t stride) INTAGLIO_LAMBDA {
    if (kBounded || requantization.bounded) {
      round_tile<Isa>(requantization, column, sums, std::make_index_sequence<NV>());
      const auto narrow_all = [&]<Narrowing kNarrowing>(std::size_t columns) INTAGLIO_LAMBDA {
#pragma GCC unroll 16
        for (int i = 0; i < MR * NV; i += 4) {
          const auto at = [&](int k) INTAGLIO_LAMBDA {
            return sums[k < MR * NV ? k / NV : MR - 1][k < MR * NV ? k % NV : NV - 1];
          };
          narrow_four<Isa, kNarrowing, MR, NV>(narrow, {at(i), at(i + 1), at(i + 2), at(i + 3)}, i, columns, first,
                                               stride);
        }
      };
      // Masked stores are there once: for the narrowing that does all.
      if (Isa::kMasksStores && output.columns < kColumns) {
        return narrow_all.template operator()<Narrowing::kClamp>(output.columns);
      }
      with_narrowing(requantization, [&]<Narrowing kNarrowing>()
                                         INTAGLIO_LAMBDA { narrow_all.template operator()<kNarrowing>(kColumns); });
    } else if constexpr (!kBounded) {
      Vector stored[MR][NV];  // a copy: an array whose address is taken would not stay in registers
#pragma GCC unroll 32
      for (int k = 0; k < MR * NV; ++k) stored[k / NV][k % NV] = sums[k / NV][k % NV];
      choose_round<Isa, NV>(requantization)(requantization, column, stored, MR, output.columns, first, stride);
    }
  };
  if constexpr (Isa::kMasksStores) {
    store(output.first, output.stride);
  } else {
    // A tile with columns beyond the valid ones is stored here, then copied.
    alignas(64) std::uint8_t whole[MR * kColumns];
    const bool partial = output.columns != kColumns;
    store(partial ? whole : output.first, partial ? kColumns : output.stride);
    if (partial) {
      for (int r = 0; r < MR; ++r) {
        Isa::template copy<kColumns>(output.first + r * output.stride, whole + r * kColumns, output.columns);
      }
    }
  }
}

}  // namespace
}  // namespace intaglio
