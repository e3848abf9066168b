// How a convolution in tiles is run: decided once by emit_winograd(), walked by run_winograd().
#pragma once

#include <cstdint>

#include "base/divide.h"
#include "gemm/winograd.h"
#include "gemm/winograd_weights.h"

namespace intaglio {

struct WinogradPlan {
  const WinogradTransforms* transforms = nullptr;
  const WinogradProducts* products = nullptr;
  WinogradLayer layer;
  WinogradPanels weights;
  std::int64_t channels = 0;     // transformed
  std::size_t groups = 0;        // of channels, kGroupChannels each
  std::int64_t width = 0;        // columns done together, a block
  std::int64_t block_bytes = 0;  // of its weights
  const Fetch* next = nullptr;   // what each part fetches during the last block of its last tiles, or nullptr
  std::ptrdiff_t row_stride = 0, image_stride = 0;  // of the input, in bytes
  bool pads = false;                                // each part copies its lines of the input, padded
  int tile_ways = 1;                                // the layer is shared out in tiles,
  int column_ways = 1;                              // and for each of these ways, in blocks of columns
  std::int64_t tiles_at_once = 0;
  Range tiles_with[kPatchProducts];  // the tiles that have each product
  // The scratch memory of one part: transformed inputs, weights of a block, its sums; and padded lines. Strides are
  // elements from one product to the next, offsets bytes.
  std::int64_t input_stride = 0, weight_stride = 0, sum_stride = 0;
  std::int64_t weights_offset = 0, sums_offset = 0, lines_offset = 0;
  PartSlots scratch, lines;

  Range tiles_of(int part) const { return split(layer.shape.tiles(), part / column_ways, tile_ways); }
  Range blocks_of(int part) const {
    return split(divide_up(layer.shape.columns, width), part % column_ways, column_ways);
  }
  // The lines that the patches of the part's tiles lie in, and those between.
  Range lines_of(int part) const;
};

void run_winograd(const void* arguments, const Memory& memory, int part, int parts);

}  // namespace intaglio
