// Convolutions of 3x3 windows and stride 1 in tiles of 4x4 outputs, with a quarter of the multiplications
// (docs/adr/0013-winograd-in-integers.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "gemm/pack.h"
#include "kernels/winograd.h"
#include "runtime/planner.h"

namespace intaglio {

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
};

// Whether the tier has kernels for tiles, and they take less time than windows.
bool winograd_pays(const Kernels& kernels, const WinogradShape& shape);

struct WinogradLayer {
  WinogradShape shape;
  // Every position of the tiles' patches exists: their rows are 4 * tiles + 2 positions long, and there are as many.
  Slot input, output;
  std::ptrdiff_t input_offset = 0, image_stride = 0, row_stride = 0;
  WeightLayout weights;  // a column is one run, [3x3][channels]; the zero point is 0
  std::span<const std::int32_t> bias;
  std::int32_t input_zero_point = 0;
  Requantization requantization;
};

// Emits the step that computes the layer. Accumulators have to be in [-kAccumulatorEnd, kAccumulatorEnd).
Status emit_winograd(const Node& node, Planner& planner, const WinogradLayer& layer);

}  // namespace intaglio
