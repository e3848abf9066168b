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
__attribute__((always_inline)) inline void sum_one_row(const GemmBlock& block, const std::uint8_t* input,
                                                       const std::int8_t* weights, const std::int32_t* bias,
                                                       typename Isa::Vector* sums) {
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

// NP panels of the only row of a line.
template <class Isa, bool kOneRun, int NP>
__attribute__((always_inline)) inline void run_one_row(const GemmBlock& block, const typename Isa::Narrow& narrow,
                                                       std::size_t line, TileColumns& columns) {
  const auto offset = static_cast<std::ptrdiff_t>(line);
  typename Isa::Vector sums[1][NP * Isa::kVectors];
#pragma GCC unroll 4
  for (int p = 0; p < NP; ++p) {
    sum_one_row<Isa, kOneRun>(block, block.input + offset * block.input_line_stride,
                              columns.weights + p * columns.panel_bytes, columns.bias + p * int{kPanelColumns},
                              &sums[0][p * Isa::kVectors]);
  }
  // Blocks of several panels are whole.
  const std::size_t left = block.columns - columns.first;
  store_tile<Isa>(block.requantization, narrow, columns.first, sums,
                  block.row_bias != nullptr ? block.row_bias + line : nullptr,
                  {block.output + offset * block.output_line_stride + columns.first, 0,
                   NP == 1 && left < kPanelColumns ? left : NP * kPanelColumns});
  columns.first += NP * kPanelColumns;
  columns.weights += NP * columns.panel_bytes;
  columns.bias += NP * kPanelColumns;
}

template <class Isa, bool kOneRun>
void run_lines_of_one_row(const GemmBlock& block, const TileColumns& first) {
  const typename Isa::Narrow narrow(block.requantization);
  for (std::size_t line = 0; line < block.lines; ++line) {
    TileColumns columns = first;
    while (columns.first + 4 * kPanelColumns <= block.columns) {
      run_one_row<Isa, kOneRun, 4>(block, narrow, line, columns);
    }
    while (columns.first < block.columns) run_one_row<Isa, kOneRun, 1>(block, narrow, line, columns);
  }
}

template <class Isa>
void run_single_rows(const GemmBlock& block, const TileColumns& columns) {
  const auto run = block.one_run ? &run_lines_of_one_row<Isa, true> : &run_lines_of_one_row<Isa, false>;
  run(block, columns);
}

}  // namespace
}  // namespace intaglio
