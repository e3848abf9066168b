// Convolutions of 3x3 windows and stride 1 in tiles of 4x4 outputs, with a quarter of the multiplications
// (docs/adr/0013-winograd-in-integers.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "gemm/pack.h"
#include "gemm/padded_lines.h"
#include "kernels/winograd.h"
#include "runtime/planner.h"

namespace intaglio {

// Tiles of one kind, in every image: `down` rows of tiles from `row` on, `across` columns of them from `column` on.
struct WinogradTiles {
  std::int64_t row = 0, column = 0, down = 0, across = 0;
  bool short_rows = false, short_columns = false;
};

// Numbers of a convolution that decide how it is computed.
struct WinogradShape {
  std::int64_t images = 0, height = 0, width = 0, columns = 0;  // of the output
  std::int64_t channels = 0;                                    // of the input

  std::int64_t tiles_down() const;
  std::int64_t tiles_across() const;
  // Rows and columns of input that the tiles' patches cover.
  std::int64_t patch_rows() const;
  std::int64_t patch_columns() const;
  std::int64_t tiles() const { return images * tiles_down() * tiles_across(); }
  // Tiles in the order in which they are done: those at the bottom that are short of rows, whole ones, those at the
  // right that are short of columns, and the corner.
  std::array<WinogradTiles, 4> kinds() const;
  // The tiles that have a product: in that order they follow one another.
  Range tiles_with(std::size_t product) const;
  // How many they are, of all products together.
  std::int64_t products() const;
};

// Whether the tier has kernels for tiles, and they take less time than windows.
__attribute__((cold)) bool winograd_pays(const Kernels& kernels, const WinogradShape& shape);

struct WinogradLayer {
  WinogradShape shape;
  Slot input, output;
  PaddedLines lines;     // of the tiles' patches
  WeightLayout weights;  // a column is one run, [3x3][channels]; the zero point is 0
  std::span<const std::int32_t> bias;
  std::int32_t input_zero_point = 0;
  Requantization requantization;
};

// Emits the step that computes the layer. Accumulators have to be in [-kAccumulatorEnd, kAccumulatorEnd).
__attribute__((cold)) Status emit_winograd(const Node& node, Planner& planner, const WinogradLayer& layer);

}  // namespace intaglio
