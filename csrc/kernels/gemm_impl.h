// The integer GEMM kernel, written once. An instruction set supplies a type `Isa` with
//
//   kVectors                              vectors of int32 that make up a panel's 16 columns
//   kRows<NP>                             rows of the tallest tile of NP panels that stays in registers
//   kTallPanels, kNearPanels, kMaxPanels  widths in panels: of the tile for large weights, of that for weights that
//   stay
//                                         in the first-level cache, of the widest
//   Vector, Weights, Activations          a vector of int32, and the two operands of dot()
//   load_bias(p), add(a, b), splat(i)
//   load_weights(p)                       4 bytes for each of a vector's columns
//   broadcast(p)                          4 activation bytes for every column
//   dot(sum, activations, weights)        exact modulo 2^32; never saturates
//   Float32<kBounded>, Fixed, FixedOnce   round(sums, v): vector v's sums requantized but for the zero point
//   Bytes, Narrow::bytes(a, b, c, d)      four rounded vectors to bytes in order: adds the zero point and clamps
//   store<kWidth>(p, bytes, piece)        the piece-th kWidth bytes
//   copy<kWidth>(to, from, count)         `count` <= kWidth bytes; may read all kWidth
//
// A tile is MR rows x NP panels, its accumulators in registers. Rows and panels lie at constant strides, so eight rows
// need four address registers. Included by one file per instruction set, in whose anonymous namespace everything lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/gemm.h"
#include "kernels/gemm_single_row.h"
#include "kernels/gemm_store.h"

namespace intaglio {
namespace {

// The addresses p, p + stride, ... p + (kCount - 1) * stride, as base registers four strides apart.
template <class T, int kCount>
struct StridedPointers {
  static constexpr int kBases = (kCount + 3) / 4;

  StridedPointers(const T* first, std::ptrdiff_t stride) : stride_(stride), stride3_(3 * stride) {
    // Opaque, so that the compiler keeps these two strides instead of a register for each address.
    asm("" : "+r"(stride_), "+r"(stride3_));
#pragma GCC unroll 4
    for (int i = 0; i < kBases; ++i) base_[i] = first + 4 * i * stride_;
  }
  const T* operator[](int i) const {
    switch (i % 4) {
      case 0:
        return base_[i / 4];
      case 1:
        return base_[i / 4] + stride_;
      case 2:
        return base_[i / 4] + 2 * stride_;
      default:
        return base_[i / 4] + stride3_;
    }
  }
  void advance(std::ptrdiff_t bytes) {
#pragma GCC unroll 4
    for (int i = 0; i < kBases; ++i) base_[i] += bytes;
  }

 private:
  const T* base_[kBases];
  std::ptrdiff_t stride_, stride3_;
};

// Consecutive tiles of one line.
struct TileRun {
  const std::uint8_t* input;
  std::uint8_t* output;
  const std::int32_t* row_bias;  // or nullptr
  std::size_t tiles;
};

template <class Isa, int MR, int NP>
void run_tiles(const GemmBlock& block, const TileColumns& columns, TileRun run) {
  using Vector = typename Isa::Vector;
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
  constexpr int NV = NP * Isa::kVectors;
  // Copies, for the bytes stored below might alias the block itself.
  const std::ptrdiff_t input_stride = block.input_row_stride;
  const std::ptrdiff_t* const taps = block.taps;
  const std::ptrdiff_t* const taps_end = block.taps + block.tap_count;
  const std::size_t depth_groups = (block.depth + kDepthGroup - 1) / kDepthGroup;
  const TileColumns tile = columns;
  const typename Isa::Narrow narrow(block.requantization);

  for (; run.tiles != 0; --run.tiles) {
    Vector sums[MR][NV];
#pragma GCC unroll 16
    for (int v = 0; v < NV; ++v) {
      sums[0][v] = Isa::load_bias(tile.bias + v * kLanes);
#pragma GCC unroll 16
      for (int r = 1; r < MR; ++r) sums[r][v] = sums[0][v];
    }
    StridedPointers<std::int8_t, NP> weights(tile.weights, tile.panel_bytes);
    for (const std::ptrdiff_t* tap = taps; tap != taps_end; ++tap) {
      StridedPointers<std::uint8_t, MR> rows(run.input + *tap, input_stride);
#pragma GCC unroll 2
      for (std::size_t group = depth_groups; group != 0; --group) {
        typename Isa::Weights w[NV];
#pragma GCC unroll 16
        for (int v = 0; v < NV; ++v) {
          w[v] = Isa::load_weights(weights[v / Isa::kVectors] + v % Isa::kVectors * kLanes * int{kDepthGroup});
        }
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r) {
          const typename Isa::Activations x = Isa::broadcast(rows[r]);
#pragma GCC unroll 16
          for (int v = 0; v < NV; ++v) sums[r][v] = Isa::dot(sums[r][v], x, w[v]);
        }
        rows.advance(kDepthGroup);
        weights.advance(kPanelColumns * kDepthGroup);
      }
    }
    store_tile<Isa>(block.requantization, narrow, tile.first, sums, run.row_bias,
                    {run.output, block.output_row_stride, tile.count});
    run.input += MR * input_stride;
    run.output += MR * block.output_row_stride;
    if (run.row_bias != nullptr) run.row_bias += MR;
  }
}

using TileFunction = void (*)(const GemmBlock&, const TileColumns&, TileRun);

// A single row has code of its own, and the rows of taller blocks are shared out in no fewer than two.
constexpr int kMinRows = 2;

template <class Isa, int NP, class Rows>
struct TileTable;

template <class Isa, int NP, int... R>
struct TileTable<Isa, NP, std::integer_sequence<int, R...>> {
  static constexpr TileFunction kByRows[] = {&run_tiles<Isa, kMinRows + R, NP>...};
};

// All lines and rows of the block for NP panels of columns. Rows are shared out evenly over the fewest tiles.
template <class Isa, int NP>
void run_panels(const GemmBlock& block, const TileColumns& columns) {
  constexpr std::size_t kMax = Isa::template kRows<NP>;
  constexpr const auto& table = TileTable<Isa, NP, std::make_integer_sequence<int, int{kMax} - kMinRows + 1>>::kByRows;
  const std::size_t tiles = (block.rows + kMax - 1) / kMax;
  const std::size_t rows = tiles == 1 ? block.rows : block.rows / tiles;
  const std::size_t taller = block.rows - rows * tiles;
  for (std::size_t line = 0; line < block.lines; ++line) {
    const auto offset = static_cast<std::ptrdiff_t>(line);
    TileRun run = {block.input + offset * block.input_line_stride,
                   block.output + offset * block.output_line_stride + columns.first,
                   block.row_bias != nullptr ? block.row_bias + line * block.rows : nullptr, taller};
    if (taller != 0) {
      const std::size_t done = taller * (rows + 1);
      table[rows + 1 - kMinRows](block, columns, run);
      run.input += static_cast<std::ptrdiff_t>(done) * block.input_row_stride;
      run.output += static_cast<std::ptrdiff_t>(done) * block.output_row_stride;
      if (run.row_bias != nullptr) run.row_bias += done;
    }
    run.tiles = tiles - taller;
    table[rows - kMinRows](block, columns, run);
  }
}

template <class Isa, int NP>
void run_columns(const GemmBlock& block, TileColumns& columns) {
  constexpr std::size_t kRows = Isa::template kRows<NP>;
  // A wide tile has few rows. It pays where there are no more, or where its weights stay in the first-level cache.
  constexpr std::ptrdiff_t kNearBytes = 16 * 1024;
  const bool near = NP <= Isa::kNearPanels && block.rows >= 4 * kRows && NP * columns.panel_bytes <= kNearBytes;
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
  TileColumns columns = {block.weights, static_cast<std::ptrdiff_t>(packed_panel_bytes(block.tap_count, block.depth)),
                         block.bias, 0, 0};
  if (block.rows == 1) {
    run_single_rows<Isa>(block, columns);
  } else if (block.rows > 1) {
    run_columns<Isa, Isa::kMaxPanels>(block, columns);
  }
}

// As many independent sums as hide the latency of dot().
template <class Isa>
std::uint64_t exercise_dots(std::uint64_t repeats) {
  constexpr int kAvailable = static_cast<int>(Isa::template kRows<1>) * Isa::kVectors;
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
  return repeats * kSums * (kPanelColumns / Isa::kVectors) * kDepthGroup;
}

}  // namespace
}  // namespace intaglio
