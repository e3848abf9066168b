// Depthwise convolution, written once. Included by one file per instruction set, which supplies `Simd`:
//
//   kGroupRows, kLanes                  rows in a cell, int32 in a vector
//   kSites, kSitesInRuns                the most sites whose accumulators, four vectors each, fit the registers beside
//                                       one vector of weights, or three (0: three never pay)
//   Vector, Sum                         a vector of anything, and one of int32 by type: GCC copies accumulators of the
//                                       former before and after each vpdpbusd
//   load(address)                       any alignment
//   Cells, load_cells(address)          kLanes cells of inputs or weights, any alignment
//   dot(sum, cells, weights)            sum + the products of each cell, wrapping modulo 2^32
//   interleave(rows, at, cells)         4 * kLanes cells, in order, from bytes at..at + 4 * kLanes of each row
//   interleave_narrow(rows, at, cells)  kNarrow cells
//   Float32<kBounded>, Fixed<kSigned>   of (requantization, channel): call with a vector of sums from that channel on;
//                                       requantizes but for the zero point (kernels/rounding_x86_512.h)
//   Bytes, Narrow::bytes<kNarrowing>(a, b, c, d)
//                                       4 * kLanes rounded values to bytes in order
//   store(out, bytes), store_some(out, bytes, count)
//
// Vectors are summed for as many sites at once as the registers hold: a load of weights then serves every site, and
// where sites are neighbours (DepthwiseOutputs::run) a load of cells serves three taps.
#pragma once

#include <utility>

#include "kernels/depthwise.h"
#include "kernels/depthwise_store.h"
#include "kernels/inline.h"

namespace intaglio {
namespace {

inline constexpr std::size_t kNarrow = 16;  // cells made at once where a chunk would be mostly waste

// One chunk, whose first channel is `channel`, at kSites sites; stores `count` bytes of each.
template <class Simd, int kRun, int kSites>
INTAGLIO_INLINE void compute_chunk(const DepthwiseOutputs& work, const std::uint8_t* cells, std::size_t channel,
                                   std::uint8_t* out, std::size_t count) {
  using Cells = typename Simd::Cells;
  constexpr std::size_t kVectorBytes = Simd::kLanes * kCellBytes;
  typename Simd::Sum sums[kSites][kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 8
    for (int site = 0; site < kSites; ++site) {
      sums[site][v] = (typename Simd::Sum)Simd::load(work.bias + channel + v * Simd::kLanes);
    }
  }

  constexpr int kColumns = kSites + kRun - 1;
  const std::byte* weights = work.weights + channel * kCellBytes;
  const std::ptrdiff_t* const taps_end = work.taps + work.tap_count;
  for (const std::ptrdiff_t* tap = work.taps; tap != taps_end; tap += kRun) {
    const std::uint8_t* x[kColumns];
#pragma GCC unroll 8
    for (int column = 0; column < kColumns; ++column) {
      x[column] = column == 0 ? cells + *tap : x[column - 1] + work.cells_step;
      // Opaque, so that a column is one base register: the compiler would keep an index for every vector, and spill.
      asm("" : "+r"(x[column]));
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      Cells weight[kRun];
#pragma GCC unroll 8
      for (int i = 0; i < kRun; ++i) weight[i] = Simd::load_cells(weights + i * work.weight_step + v * kVectorBytes);
#pragma GCC unroll 8
      for (int column = 0; column < kColumns; ++column) {
        const Cells values = Simd::load_cells(x[column] + v * kVectorBytes);
#pragma GCC unroll 8
        for (int i = 0; i < kRun; ++i) {
          const int site = column - i;
          if (site >= 0 && site < kSites) sums[site][v] = Simd::dot(sums[site][v], values, weight[i]);
        }
      }
    }
    weights += kRun * work.weight_step;
  }

  store_chunk<Simd, kSites>(work.requantization, channel, sums, out, work.out_step, count);
}

// `passes` times kSites sites.
template <class Simd, int kRun, int kSites>
__attribute__((noinline)) void run_sites(const DepthwiseOutputs& work, std::size_t first, std::size_t passes,
                                         std::size_t width) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  const std::uint8_t* cells = work.cells + static_cast<std::ptrdiff_t>(first) * work.cells_step;
  std::uint8_t* out = work.out + static_cast<std::ptrdiff_t>(first) * work.out_step;
  for (; passes != 0; --passes) {
    std::size_t channel = 0;
    for (std::size_t at = 0; at < width; at += kChunk) {
      if (at + kChunk > width) {
        channel -= at + kChunk - width;
        at = width - kChunk;
      }
      compute_chunk<Simd, kRun, kSites>(work, cells + at * kCellBytes, channel, out + at, kChunk);
      channel += work.chunk_modulo_period;
      if (channel >= work.period) channel -= work.period;
    }
    cells += kSites * work.cells_step;
    out += kSites * work.out_step;
  }
}

// The last, shorter site.
template <class Simd>
__attribute__((noinline)) void run_rest(const DepthwiseOutputs& work) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  const std::size_t chunks = work.rest / kChunk;
  const std::size_t left = work.rest % kChunk;
  if (chunks != 0) run_sites<Simd, 1, 1>(work, work.sites, 1, chunks * kChunk);
  if (left == 0) return;
  const std::uint8_t* cells = work.cells + static_cast<std::ptrdiff_t>(work.sites) * work.cells_step;
  std::uint8_t* out = work.out + static_cast<std::ptrdiff_t>(work.sites) * work.out_step;
  const std::size_t at = chunks * kChunk;
  compute_chunk<Simd, 1, 1>(work, cells + at * kCellBytes, at % work.period, out + at, left);
}

using RunSites = void (*)(const DepthwiseOutputs& work, std::size_t first, std::size_t passes, std::size_t width);

template <class Simd, int kRun, class Sites>
struct RunTable;

template <class Simd, int kRun, int... kSites>
struct RunTable<Simd, kRun, std::integer_sequence<int, kSites...>> {
  static constexpr RunSites kBySites[] = {run_sites<Simd, kRun, kSites + 1>...};
};

// Sites are shared out evenly over the fewest passes, so at most two kinds of pass.
template <class Simd, int kRun>
INTAGLIO_INLINE void run_all(const DepthwiseOutputs& work) {
  constexpr int kMost = kRun == 1 ? Simd::kSites : Simd::kSitesInRuns;
  constexpr const auto& runs = RunTable<Simd, kRun, std::make_integer_sequence<int, kMost>>::kBySites;
  if (work.sites != 0) {
    const auto sites = static_cast<std::uint32_t>(work.sites);
    const std::uint32_t passes = (sites + kMost - 1) / kMost;
    const std::uint32_t fewer = sites / passes;
    const std::uint32_t taller = sites % passes;
    if (taller != 0) runs[fewer](work, 0, taller, work.width);
    runs[fewer - 1](work, taller * (fewer + 1), passes - taller, work.width);
  }
  if (work.rest != 0) run_rest<Simd>(work);
}

template <class Simd>
void run_outputs(const DepthwiseOutputs& work) {
  if constexpr (Simd::kSitesInRuns > 0) {
    if (work.run == 3) return run_all<Simd, 3>(work);
  }
  run_all<Simd, 1>(work);
}

template <class Simd>
void run_interleave(const DepthwiseInterleave& work) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  const std::uint8_t* rows[Simd::kGroupRows];
  for (std::size_t row = 0; row < Simd::kGroupRows; ++row) rows[row] = work.rows[row];
  std::uint8_t* cells = work.cells;
  for (std::size_t run = 0; run < work.runs; ++run) {
    std::size_t at = 0;
    for (; at + kChunk / 2 < work.width; at += kChunk) Simd::interleave(rows, at, cells + at * kCellBytes);
    for (; at < work.width; at += kNarrow) Simd::interleave_narrow(rows, at, cells + at * kCellBytes);
    for (const std::uint8_t*& row : rows) row += work.run_step;
    cells += work.cells_step;
  }
}

template <class Simd>
constexpr DepthwiseKernels depthwise_kernels(const char* name, std::int32_t input_offset = 0) {
  return {.name = name,
          .group_rows = Simd::kGroupRows,
          .chunk = kVectors * Simd::kLanes,
          .interleave = run_interleave<Simd>,
          .outputs = run_outputs<Simd>,
          .sweep = {},
          .direct = nullptr,
          .input_offset = input_offset};
}

}  // namespace
}  // namespace intaglio
