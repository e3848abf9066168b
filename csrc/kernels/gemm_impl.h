// The integer GEMM kernel, written once. An instruction set supplies a type `Isa` with
//
//   kVectors                              vectors of int32 that make up a panel's 16 columns
//   kRows<NP>                             rows of the tallest tile of NP panels that stays in registers
//   kWholeRows                            if it has any: a taller tile of one panel, for rows that it divides
//   kTallPanels, kNearPanels, kMaxPanels  widths in panels: of the tile for large weights, of that for weights which
//                                         stay in the first-level cache, of the widest
//   kPipelinedPanels, kPipelinedRows      the tile that is summed while the one before is requantized; 0 where the
//                                         registers do not hold the sums of both (kernels/gemm_pipelined.h)
//   kFetchesAhead                         whether to prefetch the weights of the next columns: takes two registers
//   Vector, Weights, Activations          a vector of int32, and the two operands of dot()
//   Sum                                   Vector, of int32 by type too: GCC copies sums of the other type before and
//                                         after each vpdpbusd in loops that are not unrolled all over a tile
//   load_bias(p), add(a, b), splat(i)
//   load_weights(p)                       4 bytes for each of a vector's columns
//   broadcast(p)                          4 activation bytes for every column
//   dot(sum, activations, weights)        exact modulo 2^32; never saturates
//   add_neighbours(sums, input, row, offset, end, weights)
//                                         if it has any: adds groups several at a time, as many as it can, and advances
//                                         offset and weights beyond them
//   kOneRun                               if it has any: blocks are one_run, and their offsets are not read
//   Float32<kBounded>, Fixed<kSigned>     of (requantization, column): call with a vector of sums from that column on;
//                                         requantizes but for the zero point (kernels/rounding_x86_512.h)
//   HeldFloat32                           Float32<true> that stays in a register, where tiles are pipelined
//   Bytes, Narrow::bytes<kNarrowing>(a, b, c, d)
//                                         four rounded vectors to bytes in order
//   store<kWidth>(p, bytes, piece)        the piece-th kWidth bytes
//   kMasksStores                          whether there is store<kWidth>(p, bytes, piece, columns), of fewer columns;
//                                         otherwise, tiles are stored whole and copied:
//   copy<kWidth>(to, from, count)         `count` <= kWidth bytes; may read all kWidth
//
// A tile is MR rows x NP panels, its accumulators in registers. Rows and panels lie at constant strides. Included by
// one file per instruction set, in whose anonymous namespace everything lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/gemm.h"
#include "kernels/gemm_pipelined.h"
#include "kernels/gemm_single_row.h"
#include "kernels/gemm_store.h"
#include "kernels/gemm_sums.h"
#include "kernels/gemm_tiles.h"
#include "kernels/stride.h"

namespace intaglio {
namespace {

template <class Isa, int MR, int NP>
void run_tiles(const GemmBlock& block, const TileColumns& columns, const TileRows& tile_rows, Ahead& weights_ahead) {
  using Vector = typename Isa::Vector;
  constexpr int NV = NP * Isa::kVectors;
  // Copies, for the bytes stored below might alias the block itself.
  [[maybe_unused]] const std::int32_t* const offsets = block.offsets;
  [[maybe_unused]] const std::int32_t* const offsets_end = block.offsets + block.groups;
  [[maybe_unused]] const auto run_bytes = static_cast<std::ptrdiff_t>(block.groups * kGroupBytes);
  const TileColumns tile = columns;
  const Stride row(block.input_row_stride), panel(tile.panel_bytes);
  const typename Isa::Narrow narrow(block.requantization);
  Ahead ahead = weights_ahead;
  const auto fetch_ahead = [&]() INTAGLIO_LAMBDA {
    if constexpr (Isa::kFetchesAhead) {
      __builtin_prefetch(ahead.next, 0, 2);
      ahead.next += ahead.step;
    }
  };

  const auto run_tile = [&](const std::uint8_t* input, std::uint8_t* output, const std::int32_t* bias) INTAGLIO_LAMBDA {
    Vector sums[MR][NV];
    begin_sums<Isa>(sums, tile.bias);
    if constexpr (requires { Isa::kOneRun; }) {
      add_run<Isa>(sums, input, row, tile.weights, panel, run_bytes, fetch_ahead);
    } else {
      const std::int8_t* weights = tile.weights;
      const auto add_next = [&](std::int32_t offset) INTAGLIO_LAMBDA {
        add_group<Isa>(sums, input + offset, row, weights, panel);
        weights += panel_bytes(1);
      };
      const std::int32_t* offset = offsets;
      if constexpr (requires { &Isa::template add_neighbours<MR, NV>; }) {
        Isa::add_neighbours(sums, input, row, offset, offsets_end, weights);
      }
      if constexpr (Isa::kFetchesAhead) {
        for (; offset + 1 < offsets_end; offset += 2) {
          add_next(offset[0]);
          add_next(offset[1]);
          fetch_ahead();
        }
      }
#pragma GCC unroll 2
      for (; offset != offsets_end; ++offset) add_next(*offset);
    }
    store_tile<Isa>(block.requantization, narrow, tile.first, sums, bias,
                    {output, block.output_row_stride, tile.count});
  };
  const auto first = static_cast<std::ptrdiff_t>(tile_rows.first);
  const std::uint8_t* line_input = block.input + first * block.input_row_stride;
  std::uint8_t* line_output = block.output + first * block.output_row_stride + tile.first;
  const std::int32_t* line_bias = block.row_bias != nullptr ? block.row_bias + first : nullptr;
  for (std::size_t line = block.lines; line != 0; --line) {
    const std::uint8_t* input = line_input;
    std::uint8_t* output = line_output;
    const std::int32_t* row_bias = line_bias;
    for (std::size_t i = tile_rows.tiles; i != 0; --i) {
      run_tile(input, output, row_bias);
      input += MR * block.input_row_stride;
      output += MR * block.output_row_stride;
      if (row_bias != nullptr) row_bias += MR;
    }
    line_input += block.input_line_stride;
    line_output += block.output_line_stride;
    if (line_bias != nullptr) line_bias += block.rows;
  }
  weights_ahead = ahead;
}

using TileFunction = void (*)(const GemmBlock&, const TileColumns&, const TileRows&, Ahead&);

// A single row has code of its own, and the rows of taller blocks are shared out in no fewer than two.
constexpr int kMinRows = 2;

template <class Isa, int NP, class Rows>
struct TileTable;

template <class Isa, int NP, int... R>
struct TileTable<Isa, NP, std::integer_sequence<int, R...>> {
  static constexpr TileFunction kByRows[] = {&run_tiles<Isa, kMinRows + R, NP>...};
};

// All lines and rows of the block for NP panels of columns.
template <class Isa, int NP>
void run_panels(const GemmBlock& block, const TileColumns& columns) {
  constexpr std::size_t kMax = Isa::template kRows<NP>;
  constexpr const auto& table = TileTable<Isa, NP, std::make_integer_sequence<int, int{kMax} - kMinRows + 1>>::kByRows;
  const auto run = [&](const RowShares& shares, TileFunction fewer, TileFunction taller) {
    const std::size_t tiles = block.lines * shares.tiles;
    const std::ptrdiff_t bytes = NP * columns.panel_bytes;
    const bool last = columns.first + NP * kPanelColumns >= block.columns && block.next != nullptr;
    const Fetch next = last ? *block.next : Fetch{columns.weights + bytes, static_cast<std::size_t>(bytes)};
    Ahead ahead = in_turns(next, tiles * (block.groups / 2));
    if (shares.taller != 0) taller(block, columns, {0, shares.taller}, ahead);
    fewer(block, columns, {shares.taller * (shares.rows + 1), shares.tiles - shares.taller}, ahead);
  };
  if constexpr (NP == Isa::kPipelinedPanels) {
    if (pipelines<Isa>(block)) {
      constexpr int kTall = Isa::kPipelinedRows;
      const RowShares shares = share_rows(block.rows, kTall);
      const auto choose = [&]<Narrowing kNarrowing>() {
        const TileFunction tall = run_pipelined<Isa, kTall, NP, kNarrowing>;
        run(shares, shares.rows == kTall ? tall : run_pipelined<Isa, kTall - 1, NP, kNarrowing>, tall);
      };
      return with_narrowing(block.requantization, choose);
    }
  }
  if constexpr (NP == 1 && requires { Isa::kWholeRows; }) {
    if (block.rows % Isa::kWholeRows == 0) {
      const TileFunction whole = run_tiles<Isa, static_cast<int>(Isa::kWholeRows), NP>;
      return run(share_rows(block.rows, Isa::kWholeRows), whole, whole);
    }
  }
  const RowShares shares = share_rows(block.rows, kMax);
  run(shares, table[shares.rows - kMinRows], table[shares.taller != 0 ? shares.rows + 1 - kMinRows : 0]);
}

template <class Isa, int NP>
void run_columns(const GemmBlock& block, TileColumns& columns) {
  constexpr std::size_t kRows = Isa::template kRows<NP>;
  // A wide tile has few rows. It pays where there are no more, or where its weights stay in the first-level cache.
  constexpr std::ptrdiff_t kNearBytes = 16 * 1024;
  bool near = NP <= Isa::kNearPanels && block.rows >= 4 * kRows && NP * columns.panel_bytes <= kNearBytes;
  if constexpr (Isa::kPipelinedPanels != 0 && NP > Isa::kPipelinedPanels) near = near && !pipelines<Isa>(block);
  if (NP <= Isa::kTallPanels || near || block.rows <= kRows) {
    while (columns.first < block.columns) {
      const std::size_t left = block.columns - columns.first;
      if ((left + kPanelColumns - 1) / kPanelColumns < NP) break;
      columns.count = left < NP * kPanelColumns ? left : NP * kPanelColumns;
      run_panels<Isa, NP>(block, columns);
      columns.first += NP * kPanelColumns;
      columns.weights += NP * columns.panel_bytes;
      columns.bias += NP * kPanelColumns;
    }
  }
  if constexpr (NP > 1) run_columns<Isa, NP / 2>(block, columns);
}

template <class Isa>
void run_gemm_block(const GemmBlock& block) {
  TileColumns columns = {block.weights, static_cast<std::ptrdiff_t>(panel_bytes(block.groups)), block.bias, 0, 0};
  if (block.rows == 1) {
    run_single_rows<Isa>(block, columns);
  } else if (block.rows > 1) {
    run_columns<Isa, Isa::kMaxPanels>(block, columns);
  }
}

// Of one panel.
template <class Isa>
constexpr std::size_t tallest_tile() {
  if constexpr (requires { Isa::kWholeRows; }) return Isa::kWholeRows;
  return Isa::template kRows<1>;
}

// As many independent sums as hide the latency of dot().
template <class Isa>
std::uint64_t exercise_dots(std::uint64_t repeats) {
  constexpr int kAvailable = static_cast<int>(tallest_tile<Isa>()) * Isa::kVectors;
  constexpr int kSums = kAvailable < 12 ? kAvailable : 12;
  alignas(64) static constexpr std::uint8_t kOperand[64] = {1, 2, 3, 4, 5, 6, 7, 8};
  auto x = Isa::broadcast(kOperand);
  auto w = Isa::load_weights(reinterpret_cast<const std::int8_t*>(kOperand));
  typename Isa::Vector sums[kSums];
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) {
    sums[i] = Isa::splat(0);
    Isa::keep(sums[i]);  // or equal sums would become one
  }
  for (std::uint64_t repeat = 0; repeat < repeats; ++repeat) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      Isa::keep(x);  // or products would be formed once
      sums[i] = Isa::dot(sums[i], x, w);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) Isa::keep(sums[i]);
  return repeats * kSums * (kPanelColumns / Isa::kVectors) * kGroupBytes;
}

}  // namespace
}  // namespace intaglio
