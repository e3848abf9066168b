// The transforms of Winograd convolution, written once. An instruction set supplies a type `Isa` with what gemm_store.h
// needs, load_bias(p), and
//
//   kWords             int16 in a vector
//   widen(p)           kWords bytes, uint8 or int8, to int16
//   store_words(p, v)
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm_store.h"
#include "kernels/winograd.h"

namespace intaglio {
namespace {

// Vectors of `Isa` by what is in them: their operators work on each lane, and wrap.
template <class Isa>
using Words [[gnu::vector_size(sizeof(typename Isa::Vector))]] = std::uint16_t;
template <class Isa>
using Sums [[gnu::vector_size(sizeof(typename Isa::Vector))]] = std::uint32_t;
template <class Isa>
using SignedSums [[gnu::vector_size(sizeof(typename Isa::Vector))]] = std::int32_t;

// Six inputs along one axis: the rows of B^T are
//
//   4  0 -5  0  1  0        of absolute sum 10 at most, so that along both axes a byte becomes
//   0 -4 -4  1  1  0        100 * 255 = 25,500 at most: fits int16
//   0  4 -4 -1  1  0
//   0 -2 -1  2  1  0
//   0  2 -1 -2  1  0
//   0  4  0 -5  0  1
template <class Words>
INTAGLIO_INLINE void transform_six(const Words (&d)[kPatchSide], Words (&t)[kPatchSide]) {
  const Words even = d[4] - (d[2] << 2), odd = d[3] - (d[1] << 2);
  t[1] = even + odd;
  t[2] = even - odd;
  const Words near = d[4] - d[2], far = (d[3] - d[1]) << 1;
  t[3] = near + far;
  t[4] = near - far;
  t[0] = near + ((d[0] - d[2]) << 2);
  t[5] = d[5] - d[3] - (far << 1);
}

// Four inputs along one axis of a short tile: F(2, 3), whose points 0, 1, -1 and infinity are among those of F(4, 3),
// with factors that make its outputs the first and the last of four:
//
//   4  0 -4  0
//   0 -3 -3  0
//   0  3 -3  0
//   0 -1  0  1              as the last row
template <class Words>
INTAGLIO_INLINE void transform_short(const Words (&d)[kPatchSide], Words (&t)[kPatchSide]) {
  const Words sum = d[1] + d[2], difference = d[1] - d[2];
  t[0] = (d[0] - d[2]) << 2;
  t[1] = -(sum + (sum << 1));
  t[2] = difference + (difference << 1);
  t[3] = t[4] = Words{};
  t[5] = d[3] - d[1];
}

// Three weights along one axis: the rows of G, times what makes them integers, are
//
//   1  0  0                 of absolute sum 7 at most, so that along both axes a weight becomes
//   1  1  1                 49 * 128 = 6,272 at most
//   1 -1  1
//   1  2  4
//   1 -2  4
//   0  0  1
template <class Words>
INTAGLIO_INLINE void transform_three(const Words (&g)[kWindowSide], Words (&t)[kPatchSide]) {
  const Words near = g[0] + g[2], far = g[0] + (g[2] << 2), twice = g[1] << 1;
  t[0] = g[0];
  t[1] = near + g[1];
  t[2] = near - g[1];
  t[3] = far + twice;
  t[4] = far - twice;
  t[5] = g[2];
}

// Six sums along one axis to four outputs. The scales that keep transformed weights integers are 1/4, -1/6, -1/6, 1/24,
// 1/24, 1, so 24 times the outputs are A^T (6, -4, -4, 1, 1, 24) of the sums, with the rows of A^T
//
//   1  1  1  1  1  0        and divided by what all of a row's factors have in common,
//   0  1 -1  2 -2  0        1, 2, 4 and 4, outputs come out
//   0  1  1  4  4  0        24, 12, 6 and 6 times.
//   0  1 -1  8 -8  1
template <class Sums>
INTAGLIO_INLINE void transform_four(const Sums (&m)[kPatchSide], Sums (&y)[kTileSide]) {
  const Sums near = m[1] + m[2], near_odd = m[1] - m[2];
  const Sums far = m[3] + m[4], far_odd = m[3] - m[4];
  const auto six = [](Sums v) INTAGLIO_LAMBDA { return (v + (v << 1)) << 1; };
  y[0] = far - (near << 2) + six(m[0]);
  y[1] = far_odd - (near_odd << 1);
  y[2] = far - near;
  y[3] = (far_odd << 1) - near_odd + six(m[5]);
}

// Outputs of row r and column c come out 9 * 2^(shift[r] + shift[c]) times, modulo 2^32. 9 has an inverse there, so
// these factors make them 2^kSumShift times.
struct OutputScales {
  std::uint32_t factor[kTileSide][kTileSide];

  constexpr OutputScales() : factor() {
    constexpr std::uint32_t kInverseOf9 = 954437177;
    static_assert(kInverseOf9 * 9 == 1);
    constexpr int kShifts[kTileSide] = {3, 2, 1, 1};
    for (std::size_t r = 0; r < kTileSide; ++r) {
      for (std::size_t c = 0; c < kTileSide; ++c) factor[r][c] = kInverseOf9 << (kSumShift - kShifts[r] - kShifts[c]);
    }
  }
};

template <class Isa>
void transform_inputs(const WinogradInputs& tiles) {
  const WinogradInputs a = tiles;  // a copy, for the numbers stored below might alias it
  const std::size_t columns = a.short_columns ? kShortPatchSide : kPatchSide;
  for (std::size_t tile = 0; tile < a.tiles; ++tile) {
    const std::uint8_t* const input = a.input + static_cast<std::ptrdiff_t>(tile * kTileSide) * a.position_stride;
    std::int16_t* const output = a.output + tile * a.channels;
    for (std::size_t channel = 0; channel < a.channels; channel += Isa::kWords) {
      Words<Isa> half[kPatchSide][kPatchSide];
      const std::uint8_t* column = input + channel;
#pragma GCC unroll 1
      for (std::size_t c = 0; c < columns; ++c, column += a.position_stride) {
        Words<Isa> d[kPatchSide];
        const auto load = [&](std::size_t begin, std::size_t end) INTAGLIO_LAMBDA {
#pragma GCC unroll 6
          for (std::size_t r = begin; r < end; ++r) {
            d[r] = (Words<Isa>)Isa::widen(column + static_cast<std::ptrdiff_t>(r) * a.row_stride);
          }
        };
        load(0, kShortPatchSide);
        if (a.short_rows) {
          transform_short(d, half[c]);
        } else {
          load(kShortPatchSide, kPatchSide);
          transform_six(d, half[c]);
        }
      }
      std::int16_t* product = output + channel;
#pragma GCC unroll 1
      for (std::size_t r = 0; r < kPatchSide; ++r) {
        Words<Isa> d[kPatchSide], t[kPatchSide];
        const auto load = [&](std::size_t begin, std::size_t end) INTAGLIO_LAMBDA {
#pragma GCC unroll 6
          for (std::size_t c = begin; c < end; ++c) d[c] = half[c][r];
        };
        load(0, kShortPatchSide);
        if (a.short_columns) {
          transform_short(d, t);
        } else {
          load(kShortPatchSide, kPatchSide);
          transform_six(d, t);
        }
#pragma GCC unroll 6
        for (std::size_t c = 0; c < kPatchSide; ++c, product += a.product_stride)
          Isa::store_words(product, (typename Isa::Vector)t[c]);
      }
    }
  }
}

// Weights of the rows of a window to those of two rows of products, kRowPairs[pair]: the first and the last weight as
// they are, or w0 + s * s * w2 plus and less s * w1, where s is 1 or 2.
template <class Isa, bool kEnds>
void transform_weight_rows(const WinogradWeights& weights) {
  constexpr std::size_t kGroup = kPanelColumns * kGroupChannels;
  constexpr std::size_t kRow = kWindowSide * kGroup;
  const WinogradWeights a = weights;
  const auto shift = static_cast<int>(a.pair) - 1;
  const std::int8_t* weight = a.input;
  for (std::size_t group = 0; group < a.groups; ++group, weight += (kWindowWeights - 1) * kGroup) {
#pragma GCC unroll 1
    for (std::size_t i = 0; i < kGroup; i += Isa::kWords, weight += Isa::kWords) {
      Words<Isa> rows[2][kWindowSide];
#pragma GCC unroll 3
      for (std::size_t c = 0; c < kWindowSide; ++c) {
        const std::int8_t* const column = weight + c * kGroup;
        const auto first = (Words<Isa>)Isa::widen(column), last = (Words<Isa>)Isa::widen(column + 2 * kRow);
        if constexpr (kEnds) {
          rows[0][c] = first;
          rows[1][c] = last;
        } else {
          const Words<Isa> even = first + (last << (2 * shift));
          const Words<Isa> odd = (Words<Isa>)Isa::widen(column + kRow) << shift;
          rows[0][c] = even + odd;
          rows[1][c] = even - odd;
        }
      }
      std::int16_t* product = a.output + group * kGroup + i;
#pragma GCC unroll 2
      for (const auto& row : rows) {
        Words<Isa> t[kPatchSide];
        transform_three(row, t);
#pragma GCC unroll 6
        for (std::size_t c = 0; c < kPatchSide; ++c, product += a.product_stride)
          Isa::store_words(product, (typename Isa::Vector)t[c]);
      }
    }
  }
}

template <class Isa>
void transform_weights(const WinogradWeights& weights) {
  const auto run = weights.pair == 0 ? &transform_weight_rows<Isa, true> : &transform_weight_rows<Isa, false>;
  run(weights);
}

// Calls step(i) for i in [0, kCount): unrolled where the numbers in between stay in registers.
template <bool kInRegisters, std::size_t kCount, class Step>
INTAGLIO_INLINE void repeat(const Step& step) {
  if constexpr (kInRegisters) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kCount; ++i) step(i);
  } else {
#pragma GCC unroll 1
    for (std::size_t i = 0; i < kCount; ++i) step(i);
  }
}

// One tile's sums to accumulators: `to` is the first row of its outputs, rows are kRow apart.
template <class Isa, std::size_t kRow>
INTAGLIO_INLINE void transform_tile(const std::int32_t* sums, std::ptrdiff_t product_stride,
                                    typename Isa::Vector (*to)[Isa::kVectors]) {
  static constexpr OutputScales kScales;
  constexpr std::size_t kLanes = kPanelColumns / Isa::kVectors;
  constexpr bool kInRegisters = Isa::kVectors == 1;
#pragma GCC unroll 1
  for (std::size_t v = 0; v < Isa::kVectors; ++v, sums += kLanes) {
    Sums<Isa> half[kPatchSide][kTileSide];
    const std::int32_t* column = sums;
    repeat<kInRegisters, kPatchSide>([&](std::size_t c) INTAGLIO_LAMBDA {
      Sums<Isa> m[kPatchSide];
#pragma GCC unroll 6
      for (std::size_t r = 0; r < kPatchSide; ++r) {
        m[r] = (Sums<Isa>)Isa::load_bias(column + static_cast<std::ptrdiff_t>(r * kPatchSide) * product_stride);
      }
      transform_four(m, half[c]);
      column += product_stride;
    });
    repeat<kInRegisters, kTileSide>([&](std::size_t r) INTAGLIO_LAMBDA {
      Sums<Isa> m[kPatchSide], y[kTileSide];
#pragma GCC unroll 6
      for (std::size_t c = 0; c < kPatchSide; ++c) m[c] = half[c][r];
      transform_four(m, y);
#pragma GCC unroll 4
      for (std::size_t c = 0; c < kTileSide; ++c) {
        const auto scaled = (SignedSums<Isa>)(y[c] * kScales.factor[r][c]);
        to[r * kRow + c][v] = (typename Isa::Vector)(scaled >> kSumShift);
      }
    });
  }
}

template <class Isa>
void transform_outputs(const WinogradOutputs& tiles) {
  constexpr std::size_t kTiles = 4;  // requantized together
  constexpr std::size_t kRow = kTiles * kTileSide;
  const WinogradOutputs a = tiles;
  const auto round = choose_round<Isa, Isa::kVectors>(a.requantization);
  std::uint8_t* output = a.output;
  for (std::size_t first = 0; first < a.tiles; first += kTiles, output += int{kRow} * a.position_stride) {
    typename Isa::Vector accumulators[kTileSide * kRow][Isa::kVectors];
    for (std::size_t tile = first; tile < a.tiles && tile < first + kTiles; ++tile) {
      transform_tile<Isa, kRow>(a.sums + static_cast<std::ptrdiff_t>(tile) * a.tile_stride, a.product_stride,
                                accumulators + (tile - first) * kTileSide);
    }
    // The second position of a short tile comes out as its last.
    if (a.short_columns) {
#pragma GCC unroll 1
      for (std::size_t r = 0; r < kTileSide; ++r) {
        for (std::size_t v = 0; v < Isa::kVectors; ++v) {
          accumulators[r * kRow + 1][v] = accumulators[r * kRow + kTileSide - 1][v];
        }
      }
    }
    const std::size_t left = (a.tiles - first) * kTileSide, inside = a.positions - first * kTileSide;
    const std::size_t positions = left < inside ? left : inside;
    const int count = static_cast<int>(positions < kRow ? positions : kRow);
    for (std::size_t r = 0; r < a.rows; ++r) {
      std::uint8_t* const row = output + static_cast<std::ptrdiff_t>(r) * a.row_stride;
      const auto* const sums = accumulators + (a.short_rows && r == 1 ? kTileSide - 1 : r) * kRow;
      if (Isa::kMasksStores || a.columns == kPanelColumns) {
        round(a.requantization, 0, sums, count, a.columns, row, a.position_stride);
      } else if constexpr (!Isa::kMasksStores) {
        // Columns that do not exist are stored here, and those that do are copied.
        std::uint8_t whole[kRow * kPanelColumns];
        round(a.requantization, 0, sums, count, kPanelColumns, whole, kPanelColumns);
        for (int i = 0; i < count; ++i) {
          Isa::template copy<kPanelColumns>(row + i * a.position_stride, whole + i * int{kPanelColumns}, a.columns);
        }
      }
    }
  }
}

}  // namespace
}  // namespace intaglio
