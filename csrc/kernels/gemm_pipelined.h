// Tiles of a GEMM one after another, each requantized while the next is summed: without that, the first sums of a tile
// wait in the CPU's queues behind the requantization of the one before. For the type `Isa` that gemm_impl.h describes,
// whose registers hold the sums of two tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"
#include "kernels/gemm_store.h"
#include "kernels/gemm_sums.h"
#include "kernels/gemm_tiles.h"
#include "kernels/inline.h"
#include "kernels/stride.h"

namespace intaglio {
namespace {

// Vectors of sums are requantized four at a time, each four after a group of the next tile.
template <int MR, int NV>
inline constexpr int kFours = (MR * NV + 3) / 4;

// Fewer tiles do not make up for the one that comes before the first and the requantization after the last. Deeper sums
// have more use for a taller tile, which has fewer loads.
inline constexpr std::size_t kPipelinedTiles = 8;
inline constexpr std::size_t kPipelinedGroups = 48;

// Whether the block's whole columns are run in pipelined tiles.
template <class Isa>
bool pipelines(const GemmBlock& block) {
  constexpr int kRows = Isa::kPipelinedRows;
  return block.requantization.bounded && block.one_run && block.row_bias == nullptr &&
         block.groups <= kPipelinedGroups && block.groups >= kFours<kRows, Isa::kPipelinedPanels * Isa::kVectors> &&
         block.rows >= kPipelinedTiles * kRows;
}

template <class Isa, int MR, int NP, Narrowing kNarrowing>
void run_pipelined(const GemmBlock& block, const TileColumns& columns, const TileRows& tile_rows,
                   Ahead& weights_ahead) {
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
  constexpr int NV = NP * Isa::kVectors;
  // Copies, for the bytes stored below might alias the block itself.
  const TileColumns tile = columns;
  const std::ptrdiff_t input_stride = block.input_row_stride, output_stride = block.output_row_stride;
  const std::ptrdiff_t input_line_stride = block.input_line_stride, output_line_stride = block.output_line_stride;
  const Stride row(input_stride), panel(tile.panel_bytes);
  const typename Isa::Narrow narrow(block.requantization);
  Ahead ahead = weights_ahead;
  typename Isa::HeldFloat32 round[NV];
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) {
    round[v] = typename Isa::HeldFloat32(block.requantization, tile.first + static_cast<std::size_t>(v * kLanes));
  }

  typename Isa::Sum sums[MR][NV], before[MR][NV];
  const auto first = static_cast<std::ptrdiff_t>(tile_rows.first);
  const std::uint8_t* line_input = block.input + first * input_stride;
  std::uint8_t* line_output = block.output + first * output_stride + tile.first;
  // The first tile comes after none: what is stored for that is overwritten by the tile itself.
  std::uint8_t* output_before = line_output;

  const auto turn = [&]() INTAGLIO_LAMBDA {
#pragma GCC unroll 16
    for (int i = 0; i < MR * NV; ++i) before[i / NV][i % NV] = sums[i / NV][i % NV];
  };
  const auto finish = [&](int four) INTAGLIO_LAMBDA {
    typename Isa::Vector rounded[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const int k = four * 4 + j < MR * NV ? four * 4 + j : MR * NV - 1;
      rounded[j] = round[k % NV]((typename Isa::Vector)before[k / NV][k % NV]);
    }
    narrow_four<Isa, kNarrowing, MR, NV>(narrow, rounded, four * 4, tile.count, output_before, output_stride);
  };
  const std::size_t groups = block.groups;
  const auto run_tile = [&](const std::uint8_t* input) INTAGLIO_LAMBDA {
    begin_sums<Isa>(sums, tile.bias);
#pragma GCC unroll 16
    for (int four = 0; four < kFours<MR, NV>; ++four) {
      add_group<Isa>(sums, input + four * int{kGroupBytes}, row, tile.weights + four * static_cast<int>(panel_bytes(1)),
                     panel);
      finish(four);
    }
    const std::int8_t* weights = tile.weights + kFours<MR, NV> * panel_bytes(1);
    input += kFours<MR, NV> * kGroupBytes;
    std::size_t left = groups - kFours<MR, NV>;
    for (; left >= 2; left -= 2) {
      add_group<Isa>(sums, input, row, weights, panel);
      add_group<Isa>(sums, input + kGroupBytes, row, weights + panel_bytes(1), panel);
      input += 2 * kGroupBytes;
      weights += 2 * panel_bytes(1);
      __builtin_prefetch(ahead.next, 0, 2);
      ahead.next += ahead.step;
    }
    if (left != 0) add_group<Isa>(sums, input, row, weights, panel);
  };

  begin_sums<Isa>(sums, tile.bias);
  for (std::size_t line = block.lines; line != 0; --line) {
    const std::uint8_t* input = line_input;
    std::uint8_t* output = line_output;
    for (std::size_t i = tile_rows.tiles; i != 0; --i) {
      turn();
      run_tile(input);
      output_before = output;
      input += MR * input_stride;
      output += MR * output_stride;
    }
    line_input += input_line_stride;
    line_output += output_line_stride;
  }
  turn();
#pragma GCC unroll 16
  for (int four = 0; four < kFours<MR, NV>; ++four) finish(four);
  weights_ahead = ahead;
}

}  // namespace
}  // namespace intaglio
