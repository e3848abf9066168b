// Depthwise convolution of 3x3 windows whose sums stay in registers while the window moves along the row. For the type
// `Simd` that depthwise_impl.h describes, which also supplies
//
//   cells_of(rows, at, cells)  4 * kLanes cells as kVectors vectors, in the order of sweep_channel()
//   Narrow::bytes              turns that order back
//   cells_at_edge(rows, at, end, cell, cells)
//                              the same, but `cell` for bytes outside [0, end) of the rows, which are not read
//   padding_cells(cell)        a vector of one cell
//   held(vector)               the vector, opaque
//
// Each column of input is interleaved once, for the three windows it lies in and for every output row of the sweep.
#pragma once

#include <algorithm>

#include "kernels/depthwise.h"
#include "kernels/depthwise_store.h"
#include "kernels/inline.h"

namespace intaglio {
namespace {

inline constexpr int kWindow = 3;

// The sums of one column of outputs, a site for every row.
template <class Simd, int kRows>
using ColumnSums = typename Simd::Sum[kRows][kVectors];

// The columns under the windows, from left to right.
template <class Simd>
class SweepColumns {
 public:
  INTAGLIO_INLINE SweepColumns(const DepthwiseSweep& work, std::size_t channel)
      : rows_{work.rows[0] + channel, work.rows[1] + channel, work.rows[2] + channel, work.rows[3] + channel},
        left_(-static_cast<std::ptrdiff_t>(work.before)),
        inside_(work.inside),
        step_(work.channels),
        padding_cell_(work.padding_cell) {}

  INTAGLIO_INLINE void next(typename Simd::Cells (&cells)[kVectors]) {
    // One comparison for both sides: columns before the input are huge as unsigned numbers.
    if (static_cast<std::size_t>(left_++) < inside_) {
      Simd::cells_of(rows_, at_, cells);
      at_ += step_;
    } else {
      std::uint32_t cell = padding_cell_;
      asm("" : "+r"(cell));  // opaque: a vector of it would take a register from the sums
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) cells[v] = Simd::padding_cells(cell);
    }
  }

 private:
  const std::uint8_t* rows_[4];
  std::ptrdiff_t left_;
  std::size_t inside_, step_;
  std::size_t at_ = 0;
  std::uint32_t padding_cell_;
};

// One chunk of channels. Holds copies: bytes stored through `out_` could be anything that is read from memory.
template <class Simd, int kRows>
class ChunkSweep {
 public:
  INTAGLIO_INLINE ChunkSweep(const DepthwiseSweep& work, std::size_t chunk, std::size_t channel)
      : columns_(work, channel),
        requantization_(work.requantization),
        weights_(work.weights + chunk * kRows * kWindow * kChunk * kCellBytes),
        bias_(work.bias + chunk * kChunk),
        out_(work.out + channel),
        out_row_step_(work.out_row_step),
        channels_(work.channels),
        outputs_(work.columns) {
    requantization_.scale += chunk * kChunk;
  }

  // Windows one column apart: three are open at a time.
  INTAGLIO_INLINE void stride_1() {
    ColumnSums<Simd, kRows> sums[kWindow];
    next();
    open(sums[0]);
    next();
    open(sums[1]);
    add(1, sums[0]);
    const auto close = [&](auto& first, auto& second, auto& third) INTAGLIO_LAMBDA {
      next();
      add(2, first);
      store(first);
      add(1, second);
      open(third);
    };
    for (std::size_t left = outputs_;;) {
      close(sums[0], sums[1], sums[2]);
      if (--left == 0) return;
      close(sums[1], sums[2], sums[0]);
      if (--left == 0) return;
      close(sums[2], sums[0], sums[1]);
      if (--left == 0) return;
    }
  }

  // Windows two columns apart: the last column of one is the first of the next.
  INTAGLIO_INLINE void stride_2() {
    ColumnSums<Simd, kRows> sums[2];
    next();
    open(sums[0]);
    const auto close = [&](auto& first, auto& second) INTAGLIO_LAMBDA {
      next();
      add(1, first);
      next();
      add(2, first);
      store(first);
      open(second);
    };
    for (std::size_t left = outputs_;;) {
      close(sums[0], sums[1]);
      if (--left == 0) return;
      close(sums[1], sums[0]);
      if (--left == 0) return;
    }
  }

 private:
  static constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  static constexpr std::size_t kVectorBytes = Simd::kLanes * kCellBytes;

  // Opaque, once a column: the compiler would keep weights in registers and spill sums.
  INTAGLIO_INLINE void next() {
    columns_.next(cells_);
    asm("" : "+r"(weights_), "+r"(bias_), "+r"(requantization_.scale));
  }

  INTAGLIO_INLINE typename Simd::Cells weights(int row, int tap, int v) const {
    return Simd::load_cells(weights_ + static_cast<std::size_t>((row * kWindow + tap) * kVectors + v) * kVectorBytes);
  }

  INTAGLIO_INLINE void open(ColumnSums<Simd, kRows>& sums) const {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const auto bias = (typename Simd::Sum)Simd::held(Simd::load(bias_ + v * Simd::kLanes));
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) sums[row][v] = Simd::dot(bias, cells_[v], weights(row, 0, v));
    }
  }

  INTAGLIO_INLINE void add(int tap, ColumnSums<Simd, kRows>& sums) const {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) sums[row][v] = Simd::dot(sums[row][v], cells_[v], weights(row, tap, v));
    }
  }

  INTAGLIO_INLINE void store(ColumnSums<Simd, kRows>& sums) {
    store_bounded<Simd, kRows>(requantization_, 0, sums, out_, out_row_step_, kChunk);
    out_ += channels_;
  }

  SweepColumns<Simd> columns_;
  typename Simd::Cells cells_[kVectors];
  Requantization requantization_;
  const std::byte* weights_;
  const std::int32_t* bias_;
  std::uint8_t* out_;
  std::ptrdiff_t out_row_step_;
  std::size_t channels_, outputs_;
};

// Few channels, stride 1: a chunk is several neighbouring columns, and its windows are three chunks that overlap.
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
    const std::size_t from = at - shift_;
    ColumnSums<Simd, kRows> sums;
    open(sums);
#pragma GCC unroll 3
    for (std::size_t tap = 0; tap < kWindow; ++tap) {
      typename Simd::Cells cells[kVectors];
      Simd::cells_at_edge(rows_, from + tap * channels_, bytes_, padding_cell_, cells);
      add(sums, static_cast<int>(tap), cells);
    }
    store(sums, at);
  }

  // The same where no window leaves the row. Two columns to a chunk share their `last` cells with the next chunk's
  // first; kTwo says so.
  template <bool kTwo>
  INTAGLIO_INLINE void chunk(std::size_t at, typename Simd::Cells (&last)[kVectors]) {
    const std::size_t from = at - shift_;
    ColumnSums<Simd, kRows> sums;
    open(sums);
    if constexpr (!kTwo) Simd::cells_of(rows_, from, last);
    add(sums, 0, last);
    Simd::cells_of(rows_, from + channels_, last);
    add(sums, 1, last);
    Simd::cells_of(rows_, from + 2 * channels_, last);
    add(sums, 2, last);
    store(sums, at);
  }

  INTAGLIO_INLINE void first_cells(std::size_t at, typename Simd::Cells (&cells)[kVectors]) const {
    Simd::cells_of(rows_, at - shift_, cells);
  }

  // Whether no window of the chunk leaves the row.
  INTAGLIO_INLINE bool inside(std::size_t at) const {
    return at >= shift_ && at - shift_ + 2 * channels_ + kVectors * Simd::kLanes <= bytes_;
  }

 private:
  INTAGLIO_INLINE void open(ColumnSums<Simd, kRows>& sums) {
    asm("" : "+r"(bias_), "+r"(weights_), "+r"(requantization_.scale));  // opaque, or registers would hold the arrays
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const auto first = (typename Simd::Sum)Simd::held(Simd::load(bias_ + v * Simd::kLanes));
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) sums[row][v] = first;
    }
  }

  INTAGLIO_INLINE void add(ColumnSums<Simd, kRows>& sums, int tap,
                           const typename Simd::Cells (&cells)[kVectors]) const {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) {
        const int index = (row * kWindow + tap) * kVectors + v;
        const auto weights = Simd::load_cells(weights_ + index * (Simd::kLanes * int{kCellBytes}));
        sums[row][v] = Simd::dot(sums[row][v], cells[v], weights);
      }
    }
  }

  INTAGLIO_INLINE void store(ColumnSums<Simd, kRows>& sums, std::size_t at) {
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

template <class Simd, int kRows, bool kTwo>
__attribute__((noinline)) void run_folded_sweep(const DepthwiseSweep& work) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  const std::size_t outputs = work.columns * work.channels;
  FoldedSweep<Simd, kRows> sweep(work);
  std::size_t at = 0;
  for (; at < outputs && !sweep.inside(at); at += kChunk) {
    run_folded_edge<Simd, kRows>(work, std::min(at, outputs - kChunk));
  }
  if (at + kChunk <= outputs) {
    typename Simd::Cells last[kVectors];
    sweep.first_cells(at, last);
    for (; at + kChunk <= outputs && sweep.inside(at); at += kChunk) sweep.template chunk<kTwo>(at, last);
  }
  for (; at < outputs; at += kChunk) run_folded_edge<Simd, kRows>(work, std::min(at, outputs - kChunk));
}

template <class Simd, int kStride>
__attribute__((noinline)) void run_chunks(const DepthwiseSweep& work) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  const std::size_t chunks = (work.channels + kChunk - 1) / kChunk;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    ChunkSweep<Simd, sweep_rows(kStride)> sweep(work, chunk, sweep_first(work.channels, kChunk, chunk));
    if constexpr (kStride == 1) {
      sweep.stride_1();
    } else {
      sweep.stride_2();
    }
  }
}

template <class Simd>
void run_stride_1(const DepthwiseSweep& work) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  if (work.channels >= kChunk) return run_chunks<Simd, 1>(work);
  if (2 * work.channels == kChunk) return run_folded_sweep<Simd, sweep_rows(1), true>(work);
  run_folded_sweep<Simd, sweep_rows(1), false>(work);
}

template <class Simd>
constexpr DepthwiseKernels with_sweeps(DepthwiseKernels kernels) {
  kernels.sweep[0] = run_stride_1<Simd>;
  kernels.sweep[1] = run_chunks<Simd, 2>;
  return kernels;
}

}  // namespace
}  // namespace intaglio
