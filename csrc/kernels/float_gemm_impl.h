// The float32 kernels of sums of products, written once. An instruction set supplies a type `Isa` with
//
//   Vector, kLanes           a vector of float32
//   kRows, kPanels           rows and panels of the largest tile, whose accumulators stay in registers
//   load(p), store(p, x)     a whole vector; with a count, its first lanes only (nothing beyond is read or written)
//   broadcast(p)             *p in every lane
//   fma(a, b, c)             a * b + c, rounded once
//   limit(x, low, high)      low > x ? low : x, then high < x ? high : x
//
// Included by one file per instruction set, in whose anonymous namespace everything lives.
#pragma once

#include <cstddef>
#include <utility>

#include "kernels/float_gemm.h"
#include "kernels/stride.h"

namespace intaglio {
namespace {

// The valid lanes of vector `v` when `columns` columns remain.
template <class Isa>
std::size_t valid_lanes(std::size_t columns, int v) {
  const std::size_t before = static_cast<std::size_t>(v) * Isa::kLanes;
  return columns <= before ? 0 : columns - before < Isa::kLanes ? columns - before : Isa::kLanes;
}

template <class Isa, int MR, int NP>
void run_tile(const FloatGemmBlock& block, const float* input, const float* weights, const float* bias, float* output,
              std::size_t columns) {
  using Vector = typename Isa::Vector;
  constexpr int kPanelVectors = static_cast<int>(kFloatPanelColumns / Isa::kLanes);
  constexpr int NV = NP * kPanelVectors;
  const bool whole = columns >= NP * kFloatPanelColumns;
  const std::ptrdiff_t output_stride = block.output_row_stride;
  Vector sums[MR][NV];
#pragma GCC unroll 16
  for (int v = 0; v < NV; ++v) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) {
      const std::ptrdiff_t column = v * static_cast<std::ptrdiff_t>(Isa::kLanes);
      const float* const from = output + r * output_stride + column;
      sums[r][v] = bias != nullptr ? Isa::load(bias + column)
                   : whole         ? Isa::load(from)
                                   : Isa::load(from, valid_lanes<Isa>(columns, v));
    }
  }

  const Stride row(block.input_row_stride * static_cast<std::ptrdiff_t>(sizeof(float)));
  const std::ptrdiff_t panel_stride = block.panel_stride;
  const std::size_t depth = block.depth;
  const std::ptrdiff_t* const taps_end = block.taps + block.tap_count;
  for (const std::ptrdiff_t* tap = block.taps; tap != taps_end; ++tap) {
    const float* upper = input + *tap;
    const float* lower = upper + row.four() / static_cast<std::ptrdiff_t>(sizeof(float));
    for (std::size_t k = depth; k != 0; --k) {
      Vector w[NV];
#pragma GCC unroll 16
      for (int v = 0; v < NV; ++v) {
        w[v] = Isa::load(weights + v / kPanelVectors * panel_stride +
                         v % kPanelVectors * static_cast<std::ptrdiff_t>(Isa::kLanes));
      }
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) {
        const Vector x = Isa::broadcast(row.from(r < 4 ? upper : lower, r % 4));
#pragma GCC unroll 16
        for (int v = 0; v < NV; ++v) sums[r][v] = Isa::fma(x, w[v], sums[r][v]);
      }
      weights += kFloatPanelColumns;
      ++upper;
      ++lower;
    }
  }

  const Vector low = Isa::broadcast(&block.low), high = Isa::broadcast(&block.high);
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < NV; ++v) {
      float* const to = output + r * output_stride + v * static_cast<std::ptrdiff_t>(Isa::kLanes);
      const Vector y = Isa::limit(sums[r][v], low, high);
      if (whole) {
        Isa::store(to, y);
      } else {
        Isa::store(to, y, valid_lanes<Isa>(columns, v));
      }
    }
  }
}

using FloatTile = void (*)(const FloatGemmBlock& block, const float* input, const float* weights, const float* bias,
                           float* output, std::size_t columns);

// Tiles of NP panels by their rows less one.
template <class Isa, int NP>
struct FloatTiles {
  template <int... kRowsLessOne>
  static FloatTile of(std::size_t rows, std::integer_sequence<int, kRowsLessOne...>) {
    static constexpr FloatTile kTiles[] = {run_tile<Isa, kRowsLessOne + 1, NP>...};
    return kTiles[rows - 1];
  }
  static FloatTile of(std::size_t rows) { return of(rows, std::make_integer_sequence<int, Isa::kRows>()); }
};

template <class Isa>
void run_float_gemm(const FloatGemmBlock& block) {
  // Rows in tiles as equal as can be.
  const std::size_t tiles = (block.rows + Isa::kRows - 1) / Isa::kRows;
  const std::size_t height = tiles == 0 ? 1 : (block.rows + tiles - 1) / tiles;
  for (std::size_t column = 0; column < block.columns;) {
    const std::size_t left = block.columns - column;
    const bool wide = Isa::kPanels > 1 && left > kFloatPanelColumns;
    const auto tile_of = [&](std::size_t rows) {
      return wide ? FloatTiles<Isa, Isa::kPanels>::of(rows) : FloatTiles<Isa, 1>::of(rows);
    };
    const float* const weights =
        block.weights + static_cast<std::ptrdiff_t>(column / kFloatPanelColumns) * block.panel_stride;
    const float* const bias = block.bias == nullptr ? nullptr : block.bias + column;
    for (std::size_t line = 0; line < block.lines; ++line) {
      const float* input = block.input + static_cast<std::ptrdiff_t>(line) * block.input_line_stride;
      float* output = block.output + static_cast<std::ptrdiff_t>(line) * block.output_line_stride + column;
      for (std::size_t row = 0; row < block.rows; row += height) {
        const std::size_t rows = block.rows - row < height ? block.rows - row : height;
        tile_of(rows)(block, input, weights, bias, output, left);
        input += static_cast<std::ptrdiff_t>(rows) * block.input_row_stride;
        output += static_cast<std::ptrdiff_t>(rows) * block.output_row_stride;
      }
    }
    column += (wide ? Isa::kPanels : 1) * kFloatPanelColumns;
  }
}

// `MR` neighbouring outputs of one vector of channels.
template <class Isa, int MR>
void run_depthwise_tile(const FloatDepthwiseRow& row, const float* input, std::size_t channel, std::size_t lanes,
                        float* output) {
  using Vector = typename Isa::Vector;
  const bool whole = lanes == Isa::kLanes;
  const auto load = [&](const float* p)
                        __attribute__((always_inline)) { return whole ? Isa::load(p) : Isa::load(p, lanes); };
  const Stride step(row.input_stride * static_cast<std::ptrdiff_t>(sizeof(float)));
  const auto channels = static_cast<std::ptrdiff_t>(row.channels);
  Vector sums[MR];
  sums[0] = load(row.bias + channel);
#pragma GCC unroll 16
  for (int r = 1; r < MR; ++r) sums[r] = sums[0];
  const float* weights = row.weights + channel;
  const std::ptrdiff_t* const taps_end = row.taps + row.tap_count;
  for (const std::ptrdiff_t* tap = row.taps; tap != taps_end; ++tap) {
    const float* const upper = input + *tap;
    const float* const lower = upper + step.four() / static_cast<std::ptrdiff_t>(sizeof(float));
    const Vector w = load(weights);
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) sums[r] = Isa::fma(load(step.from(r < 4 ? upper : lower, r % 4)), w, sums[r]);
    weights += channels;
  }
  const Vector low = Isa::broadcast(&row.low), high = Isa::broadcast(&row.high);
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r) {
    const Vector y = Isa::limit(sums[r], low, high);
    if (whole) {
      Isa::store(output + r * channels, y);
    } else {
      Isa::store(output + r * channels, y, lanes);
    }
  }
}

template <class Isa>
void run_float_depthwise(const FloatDepthwiseRow& row) {
  constexpr std::size_t kOutputs = 8;
  for (std::size_t channel = 0; channel < row.channels; channel += Isa::kLanes) {
    const std::size_t left = row.channels - channel;
    const std::size_t lanes = left < Isa::kLanes ? left : Isa::kLanes;
    const float* input = row.input + channel;
    float* output = row.output + channel;
    std::size_t done = 0;
    for (; done + kOutputs <= row.outputs; done += kOutputs) {
      run_depthwise_tile<Isa, kOutputs>(row, input, channel, lanes, output);
      input += static_cast<std::ptrdiff_t>(kOutputs) * row.input_stride;
      output += kOutputs * row.channels;
    }
    for (; done + 2 <= row.outputs; done += 2) {
      run_depthwise_tile<Isa, 2>(row, input, channel, lanes, output);
      input += 2 * row.input_stride;
      output += 2 * row.channels;
    }
    if (done < row.outputs) run_depthwise_tile<Isa, 1>(row, input, channel, lanes, output);
  }
}

}  // namespace
}  // namespace intaglio
