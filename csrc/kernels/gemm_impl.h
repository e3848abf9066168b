// The integer GEMM kernel, written once. An instruction set supplies a type `Isa` with
//
//   kVectors                              vectors of int32 that make up a panel's 16 columns
//   kAccumulators                         accumulators a tile may use without spilling
//   kMaxPanels                            widest tile, in panels
//   Vector, Weights, Activations          a vector of int32, and the two operands of dot()
//   load_bias(p), add(a, b), splat(i)
//   load_weights(p)                       4 bytes for each of a vector's columns
//   broadcast(p)                          4 activation bytes for every column
//   dot(sum, activations, weights)        exact modulo 2^32; never saturates
//   Float32, Fixed                        round(sum, column): requantizes but for the zero point, clamped to int32
//   Bytes, Narrow::bytes(a, b, c, d)      four rounded vectors to bytes in order: adds the zero point and clamps
//   store<kWidth>(p, bytes, piece)        the piece-th kWidth bytes
//   store_partial<kWidth>(p, bytes, piece, count)   no more than `count` of them
//
// A tile is MR rows x NP panels, its accumulators in registers. Rows and panels lie at constant strides, so eight rows
// need four address registers. Included by one file per instruction set, in whose anonymous namespace everything lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/gemm.h"

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

// The columns that a tile works on, as the block's arrays advanced to them.
struct TileColumns {
  const std::int8_t* weights;
  std::ptrdiff_t panel_bytes;
  const std::int32_t* bias;
  std::size_t first;  // column of the block
  std::size_t count;  // valid columns
};

template <class Isa, class Round, int MR, int NP>
void run_tiles(const GemmBlock& block, const TileColumns& columns, TileRun& run) {
  using Vector = typename Isa::Vector;
  constexpr int kLanes = static_cast<int>(kPanelColumns) / Isa::kVectors;
  constexpr int NV = NP * Isa::kVectors;
  constexpr int kGroup = NV < 4 ? NV : 4;  // vectors of one row in a group of four that are narrowed together
  constexpr int kWidth = kGroup * kLanes;  // bytes of one row in such a group
  const std::size_t depth_groups = (block.depth + kDepthGroup - 1) / kDepthGroup;
  const Round round(block.requantization, columns.first);
  const typename Isa::Narrow narrow(block.requantization);

  for (; run.tiles != 0; --run.tiles) {
    Vector sums[MR][NV];
#pragma GCC unroll 16
    for (int v = 0; v < NV; ++v) {
      const Vector bias = Isa::load_bias(columns.bias + v * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) sums[r][v] = bias;
    }

    StridedPointers<std::int8_t, NP> weights(columns.weights, columns.panel_bytes);
    for (std::size_t tap = 0; tap < block.tap_count; ++tap) {
      StridedPointers<std::uint8_t, MR> rows(run.input + block.taps[tap], block.input_row_stride);
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

    if (run.row_bias != nullptr) {
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) {
        const Vector bias = Isa::splat(run.row_bias[r]);
#pragma GCC unroll 16
        for (int v = 0; v < NV; ++v) sums[r][v] = Isa::add(sums[r][v], bias);
      }
      run.row_bias += MR;
    }

    const auto store_all = [&](auto store) __attribute__((always_inline)) {
#pragma GCC unroll 16
      for (int i = 0; i < MR * NV; i += 4) {
        Vector rounded[4] = {};
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          if (i + j < MR * NV) rounded[j] = round(sums[(i + j) / NV][(i + j) % NV], (i + j) % NV);
        }
        const typename Isa::Bytes bytes = narrow.bytes(rounded[0], rounded[1], rounded[2], rounded[3]);
#pragma GCC unroll 4
        for (int piece = 0; piece < 4 / kGroup; ++piece) {
          const int row = i / NV + piece;
          if (row < MR) store(run.output + row * block.output_row_stride, bytes, piece, i % NV * kLanes);
        }
      }
    };
    if (columns.count == NP * kPanelColumns) {
      store_all([&](std::uint8_t* p, typename Isa::Bytes bytes, int piece, int column)
                    __attribute__((always_inline)) { Isa::template store<kWidth>(p + column, bytes, piece); });
    } else {
      store_all([&](std::uint8_t* p, typename Isa::Bytes bytes, int piece, int column) __attribute__((always_inline)) {
        const int count = static_cast<int>(columns.count) - column;
        if (count > 0) Isa::template store_partial<kWidth>(p + column, bytes, piece, count);
      });
    }
    run.input += MR * block.input_row_stride;
    run.output += MR * block.output_row_stride;
  }
}

using TileFunction = void (*)(const GemmBlock&, const TileColumns&, TileRun&);

template <class Isa, class Round, int NP, class Rows>
struct TileTable;

template <class Isa, class Round, int NP, int... R>
struct TileTable<Isa, Round, NP, std::integer_sequence<int, R...>> {
  static constexpr TileFunction kByRows[] = {&run_tiles<Isa, Round, R + 1, NP>...};
};

template <class Isa, int NP>
constexpr int kMaxRows = Isa::kAccumulators / (NP * Isa::kVectors) > 0 ? Isa::kAccumulators / (NP * Isa::kVectors) : 1;

// All lines and rows of the block for NP panels of columns. Rows are shared out evenly over the fewest tiles.
template <class Isa, class Round, int NP>
void run_panels(const GemmBlock& block, const TileColumns& columns) {
  constexpr std::size_t kMax = kMaxRows<Isa, NP>;
  constexpr const auto& table = TileTable<Isa, Round, NP, std::make_integer_sequence<int, int{kMax}>>::kByRows;
  const std::size_t tiles = (block.rows + kMax - 1) / kMax;
  const std::size_t rows = block.rows / tiles;
  const std::size_t taller = block.rows % tiles;
  for (std::size_t line = 0; line < block.lines; ++line) {
    const auto offset = static_cast<std::ptrdiff_t>(line);
    TileRun run = {block.input + offset * block.input_line_stride,
                   block.output + offset * block.output_line_stride + columns.first,
                   block.row_bias != nullptr ? block.row_bias + line * block.rows : nullptr, taller};
    if (taller != 0) table[rows](block, columns, run);
    run.tiles = tiles - taller;
    table[rows - 1](block, columns, run);
  }
}

template <class Isa, class Round, int NP>
void run_columns(const GemmBlock& block, TileColumns& columns) {
  // A wider tile is worth having only where it leaves no rows out: its rows are fewer.
  if (NP <= 2 || block.rows <= kMaxRows<Isa, NP>) {
    while (columns.first < block.columns) {
      const std::size_t left = block.columns - columns.first;
      if ((left + kPanelColumns - 1) / kPanelColumns < NP) break;
      columns.count = left < NP * kPanelColumns ? left : NP * kPanelColumns;
      run_panels<Isa, Round, NP>(block, columns);
      columns.first += NP * kPanelColumns;
      columns.weights += NP * columns.panel_bytes;
      columns.bias += NP * kPanelColumns;
    }
  }
  if constexpr (NP > 1) run_columns<Isa, Round, NP / 2>(block, columns);
}

template <class Isa>
void run_gemm_block(const GemmBlock& block) {
  if (block.rows == 0) return;
  TileColumns columns = {block.weights, static_cast<std::ptrdiff_t>(packed_panel_bytes(block.tap_count, block.depth)),
                         block.bias, 0, 0};
  if (block.requantization.scale != nullptr) {
    run_columns<Isa, typename Isa::Float32, Isa::kMaxPanels>(block, columns);
  } else {
    run_columns<Isa, typename Isa::Fixed, Isa::kMaxPanels>(block, columns);
  }
}

// As many independent sums as hide the latency of dot().
template <class Isa>
std::uint64_t exercise_dots(std::uint64_t repeats) {
  constexpr int kSums = Isa::kAccumulators < 12 ? Isa::kAccumulators : 12;
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
    Isa::keep(x);
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) sums[i] = Isa::dot(sums[i], x, w);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) Isa::keep(sums[i]);
  return repeats * kSums * (kPanelColumns / Isa::kVectors) * kDepthGroup;
}

}  // namespace
}  // namespace intaglio
