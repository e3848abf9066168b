// GEMM of blocks with one row to a line, for the type `Isa` that gemm_impl.h describes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"
#include "kernels/gemm_store.h"

namespace intaglio {
namespace {

// The sums of one row and panel. Weights that serve one row only come from far away: they are read in one stream, front
// to back, which prefetching likes best. Several partial sums hide the latency of dot(). kOneRun says that the groups
// of input follow one another, which saves loading their offsets.
template <class Isa, bool kOneRun>
INTAGLIO_INLINE void sum_one_row(const GemmBlock& block, const std::uint8_t* input, const std::int8_t* weights,
                                 const std::int32_t* bias, typename Isa::Vector* sums) {
  using Vector = typename Isa::Vector;
  using Sum = typename Isa::Sum;
  constexpr int kLanes = static_cast<int>(kPanelColumns) / Isa::kVectors;
  constexpr std::ptrdiff_t kStep = panel_bytes(1);
  const std::int32_t* const offsets = block.offsets;
  Sum partial[Isa::kPartialSums][Isa::kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < Isa::kVectors; ++v) {
    partial[0][v] = (Sum)Isa::load_bias(bias + v * kLanes);
#pragma GCC unroll 4
    for (int i = 1; i < Isa::kPartialSums; ++i) partial[i][v] = (Sum)Isa::splat(0);
  }
  const auto add_group = [&](int i, const std::uint8_t* x, const std::int8_t* w) __attribute__((always_inline)) {
    const typename Isa::Activations activations = Isa::broadcast(x);
#pragma GCC unroll 4
    for (int v = 0; v < Isa::kVectors; ++v) {
      const typename Isa::Weights weight = Isa::load_weights(w + v * kLanes * int{kGroupBytes});
      partial[i][v] = (Sum)Isa::dot((Vector)partial[i][v], activations, weight);
    }
  };
  const auto group_at = [&](std::size_t group) __attribute__((always_inline)) {
    return kOneRun ? input + group * kGroupBytes : input + offsets[group];
  };
  std::size_t group = 0;
  for (; group + Isa::kPartialSums <= block.groups; group += Isa::kPartialSums, weights += Isa::kPartialSums * kStep) {
#pragma GCC unroll 4
    for (int i = 0; i < Isa::kPartialSums; ++i) add_group(i, group_at(group + i), weights + i * kStep);
  }
  for (; group < block.groups; ++group, weights += kStep) add_group(0, group_at(group), weights);
#pragma GCC unroll 4
  for (int v = 0; v < Isa::kVectors; ++v) {
    sums[v] = (Vector)partial[0][v];
#pragma GCC unroll 4
    for (int i = 1; i < Isa::kPartialSums; ++i) sums[v] = Isa::add(sums[v], (Vector)partial[i][v]);
  }
}

// Requantizes and stores NP panels of the only row of a line.
template <class Isa, bool kBounded, int NP>
INTAGLIO_INLINE void store_one_row(const GemmBlock& block, std::size_t line, const typename Isa::Vector* panels,
                                   TileColumns& columns) {
  const typename Isa::Narrow narrow(block.requantization);  // here: elsewhere it would take registers from the sums
  typename Isa::Vector sums[1][NP * Isa::kVectors];
#pragma GCC unroll 16
  for (int v = 0; v < NP * Isa::kVectors; ++v) sums[0][v] = panels[v];
  const std::size_t left = block.columns - columns.first;  // several panels are whole
  store_tile<Isa, kBounded>(
      block.requantization, narrow, columns.first, sums, block.row_bias != nullptr ? block.row_bias + line : nullptr,
      {block.output + static_cast<std::ptrdiff_t>(line) * block.output_line_stride + columns.first, 0,
       NP == 1 && left < kPanelColumns ? left : NP * kPanelColumns});
  columns.first += NP * kPanelColumns;
  columns.weights += NP * columns.panel_bytes;
  columns.bias += NP * kPanelColumns;
}

// Four panels at a time are made bytes, of the last ones one; by rarer arithmetic four only where tiles have as many
// vectors and share the code. Where one instruction does for a group, the loops lie in one page of code: across two
// they would take a tenth longer.
template <class Isa, bool kOneRun>
__attribute__((aligned(kOneRun && Isa::kVectors == 1 ? 4096 : 16))) void run_lines_of_one_row(
    const GemmBlock& block, const TileColumns& first) {
  constexpr int kMost = 4;
  constexpr bool kBounded = kMost * Isa::kVectors > 4;
  for (std::size_t line = 0; line < block.lines; ++line) {
    const std::uint8_t* input = block.input + static_cast<std::ptrdiff_t>(line) * block.input_line_stride;
    TileColumns columns = first;
    while (columns.first < block.columns) {
      const bool many =
          (!kBounded || block.requantization.bounded) && columns.first + kMost * kPanelColumns <= block.columns;
      const auto sum = [&](int p, typename Isa::Vector* sums) INTAGLIO_LAMBDA {
        sum_one_row<Isa, kOneRun>(block, input, columns.weights + p * columns.panel_bytes,
                                  columns.bias + p * int{kPanelColumns}, sums + p * Isa::kVectors);
      };
      if (many) {
        typename Isa::Vector sums[kMost * Isa::kVectors];
        if constexpr (kOneRun && Isa::kVectors == 1) {  // one instruction does for a group: the loop's ends would show
#pragma GCC unroll 4
          for (int p = 0; p < kMost; ++p) sum(p, sums);
        } else {
          for (int p = 0; p < kMost; ++p) sum(p, sums);
        }
        store_one_row<Isa, kBounded, kMost>(block, line, sums, columns);
      } else {
        typename Isa::Vector sums[Isa::kVectors];
        sum(0, sums);
        store_one_row<Isa, false, 1>(block, line, sums, columns);
      }
    }
  }
}

template <class Isa>
void run_single_rows(const GemmBlock& block, const TileColumns& columns) {
  const auto run = block.one_run ? &run_lines_of_one_row<Isa, true> : &run_lines_of_one_row<Isa, false>;
  run(block, columns);
}

}  // namespace
}  // namespace intaglio
