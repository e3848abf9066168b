// Sweeps over few channels, with stride 1: a chunk is several neighbouring columns, and its windows are three chunks
// that overlap. For the type `Simd` that depthwise_sweep_impl.h describes, which also supplies
//
//   cells_at_edge(rows, at, end, cell, cells)
//                              cells_of(), but `cell` for bytes outside [0, end) of the rows, which are not read
#pragma once

#include <algorithm>

#include "kernels/depthwise.h"
#include "kernels/depthwise_store.h"
#include "kernels/depthwise_sweep_sums.h"
#include "kernels/inline.h"

namespace intaglio {
namespace {

template <class Simd, int kRows>
class FoldedSweep {
 public:
  explicit INTAGLIO_INLINE FoldedSweep(const DepthwiseSweep& work)
      : rows_{work.rows[0], work.rows[1], work.rows[2], work.rows[3]},
        requantization_(work.requantization),
        bias_(work.bias),
        weights_(work.weights),
        out_(work.out),
        out_row_step_(work.out_row_step),
        channels_(work.channels),
        shift_(work.before * work.channels),
        bytes_(work.inside * work.channels),
        padding_cell_(work.padding_cell) {}

  // The outputs from `at` on.
  INTAGLIO_INLINE void chunk_at_edge(std::size_t at) {
    run(at, [&](std::size_t from, auto& cells)
                INTAGLIO_LAMBDA { Simd::cells_at_edge(rows_, from, bytes_, padding_cell_, cells); });
  }

  // The same where no window leaves the row.
  INTAGLIO_INLINE void chunk(std::size_t at) {
    run(at, [&](std::size_t from, auto& cells) INTAGLIO_LAMBDA { Simd::cells_of(rows_, from, cells); });
  }

  // Whether no window of the chunk leaves the row.
  INTAGLIO_INLINE bool inside(std::size_t at) const {
    return at >= shift_ && at - shift_ + 2 * channels_ + kVectors * Simd::kLanes <= bytes_;
  }

 private:
  template <class CellsOf>
  INTAGLIO_INLINE void run(std::size_t at, const CellsOf& cells_of) {
    asm("" : "+r"(bias_), "+r"(weights_), "+r"(requantization_.scale));  // opaque, or registers would hold the arrays
    SweepSums<Simd, kRows, kVectors> sums;
#pragma GCC unroll 3
    for (int tap = 0; tap < kWindow; ++tap) {
      typename Simd::Cells cells[kVectors];
      cells_of(at - shift_ + static_cast<std::size_t>(tap) * channels_, cells);
      const auto weights = [&](int row, int v) INTAGLIO_LAMBDA {
        return Simd::load_cells(weights_ + ((row * kWindow + tap) * kVectors + v) * (Simd::kLanes * int{kCellBytes}));
      };
      if (tap == 0) {
        start_sums<Simd>(bias_, cells, sums, weights);
      } else {
        add_cells<Simd>(cells, sums, weights);
      }
    }
    store_bounded<Simd, kRows>(requantization_, 0, sums, out_ + at, out_row_step_, kVectors * Simd::kLanes);
  }

  const std::uint8_t* rows_[4];
  Requantization requantization_;
  const std::int32_t* bias_;
  const std::byte* weights_;
  std::uint8_t* out_;
  std::ptrdiff_t out_row_step_;
  std::size_t channels_, shift_, bytes_;
  std::uint32_t padding_cell_;
};

template <class Simd, int kRows>
__attribute__((noinline)) void run_folded_edge(const DepthwiseSweep& work, std::size_t at) {
  FoldedSweep<Simd, kRows>(work).chunk_at_edge(at);
}

template <class Simd, int kRows>
__attribute__((noinline)) void run_folded_sweep(const DepthwiseSweep& work) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  const std::size_t outputs = work.columns * work.channels;
  FoldedSweep<Simd, kRows> sweep(work);
  std::size_t at = 0;
  for (; at < outputs && !sweep.inside(at); at += kChunk) {
    run_folded_edge<Simd, kRows>(work, std::min(at, outputs - kChunk));
  }
  for (; at + kChunk <= outputs && sweep.inside(at); at += kChunk) sweep.chunk(at);
  for (; at < outputs; at += kChunk) run_folded_edge<Simd, kRows>(work, std::min(at, outputs - kChunk));
}

}  // namespace
}  // namespace intaglio
