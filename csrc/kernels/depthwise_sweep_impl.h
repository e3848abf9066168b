// Depthwise convolution of 3x3 windows whose sums stay in registers while the window moves along the row. For the type
// `Simd` that depthwise_impl.h describes, which also supplies
//
//   cells_of(rows, at, cells)  cells of as many vectors as `cells` has, kVectors or half of that, in the order of
//                              sweep_channel()
//   padding_cells(cell)        a vector of one cell
//   Narrow::bytes, halves      turn that order back: of four vectors of a chunk, and of two vectors each of two half
//                              chunks, which store_half() stores one by one
//   held(vector)               the vector, opaque
//
// Each column of input is interleaved once, for the three windows it lies in and for every output row of the sweep.
#pragma once

#include <algorithm>

#include "kernels/depthwise.h"
#include "kernels/depthwise_folded_impl.h"
#include "kernels/depthwise_store.h"
#include "kernels/depthwise_sweep_sums.h"
#include "kernels/inline.h"

namespace intaglio {
namespace {

// The columns under the windows, from left to right.
template <class Simd, int kV>
class SweepColumns {
 public:
  using Cells = typename Simd::Cells[kV];

  INTAGLIO_INLINE SweepColumns(const DepthwiseSweep& work, std::size_t channel)
      : rows_{work.rows[0] + channel, work.rows[1] + channel, work.rows[2] + channel, work.rows[3] + channel},
        left_(-static_cast<std::ptrdiff_t>(work.before)),
        inside_(work.inside),
        step_(work.channels),
        padding_cell_(work.padding_cell) {}

  INTAGLIO_INLINE void next(Cells& cells) {
    // One comparison for both sides: columns before the input are huge as unsigned numbers.
    if (static_cast<std::size_t>(left_++) < inside_) {
      Simd::cells_of(rows_, at_, cells);
      at_ += step_;
    } else {
      std::uint32_t cell = padding_cell_;
      asm("" : "+r"(cell));  // opaque: a vector of it would take a register from the sums
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) cells[v] = Simd::padding_cells(cell);
    }
  }

 private:
  const std::uint8_t* rows_[4];
  std::ptrdiff_t left_;
  std::size_t inside_, step_;
  std::size_t at_ = 0;
  std::uint32_t padding_cell_;
};

// One chunk of kV vectors of channels. Holds copies: bytes stored through `out_` could be anything that is read from
// memory.
template <class Simd, int kRows, int kV>
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
    if constexpr (kHolds) {
#pragma GCC unroll 12
      for (int i = 0; i < kRows * kWindow * kV; ++i) held_[i] = Simd::load_cells(weights_ + i * kVectorBytes);
    }
    if constexpr (kAhead) columns_.next(ahead_);
  }

  // Windows one column apart: three are open at a time.
  INTAGLIO_INLINE void stride_1() {
    Sums sums[kWindow];
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
    Sums sums[2];
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
  using Sums = SweepSums<Simd, kRows, kV>;
  static constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  static constexpr std::size_t kVectorBytes = Simd::kLanes * kCellBytes;
  // What the sums leave registers for: the weights, and the cells of one column more, which otherwise would be waited
  // for.
  static constexpr bool kHolds = kV < kVectors;
  static constexpr bool kAhead = kRows * kV <= kVectors;

  INTAGLIO_INLINE void next() {
    if constexpr (kAhead) {
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) cells_[v] = ahead_[v];
      columns_.next(ahead_);
    } else {
      columns_.next(cells_);
    }
    // Opaque, once a column: the compiler would keep what is read there in registers and spill sums.
    asm("" : "+r"(weights_), "+r"(bias_), "+r"(requantization_.scale));
  }

  INTAGLIO_INLINE typename Simd::Cells weights(int row, int tap, int v) const {
    const int index = (row * kWindow + tap) * kV + v;
    if constexpr (kHolds) return held_[index];
    return Simd::load_cells(weights_ + index * kVectorBytes);
  }

  INTAGLIO_INLINE void open(Sums& sums) const {
    start_sums<Simd>(bias_, cells_, sums, [&](int row, int v) INTAGLIO_LAMBDA { return weights(row, 0, v); });
  }

  INTAGLIO_INLINE void add(int tap, Sums& sums) const {
    add_cells<Simd>(cells_, sums, [&](int row, int v) INTAGLIO_LAMBDA { return weights(row, tap, v); });
  }

  INTAGLIO_INLINE void store(Sums& sums) {
    if constexpr (kV == kVectors) {
      store_bounded<Simd, kRows>(requantization_, 0, sums, out_, out_row_step_, kChunk);
    } else {
      store_halves<Simd>(requantization_, sums, out_, out_row_step_);
    }
    out_ += channels_;
  }

  SweepColumns<Simd, kV> columns_;
  typename Simd::Cells cells_[kV], ahead_[kV];
  typename Simd::Cells held_[kRows * kWindow * kV];
  Requantization requantization_;
  const std::byte* weights_;
  const std::int32_t* bias_;
  std::uint8_t* out_;
  std::ptrdiff_t out_row_step_;
  std::size_t channels_, outputs_;
};

// Chunks [begin, end), which have kV vectors each.
template <class Simd, int kStride, int kV>
__attribute__((noinline)) void run_chunks(const DepthwiseSweep& work, std::size_t begin, std::size_t end) {
  for (std::size_t chunk = begin; chunk < end; ++chunk) {
    const std::size_t first = sweep_chunk(work.channels, kVectors * Simd::kLanes, chunk).first;
    ChunkSweep<Simd, sweep_rows(kStride), kV> sweep(work, chunk, first);
    if constexpr (kStride == 1) {
      sweep.stride_1();
    } else {
      sweep.stride_2();
    }
  }
}

template <class Simd, int kStride>
void run_sweep(const DepthwiseSweep& work) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  const std::size_t chunks = sweep_chunks(work.channels, kChunk);
  const bool half = sweep_chunk(work.channels, kChunk, chunks - 1).width < kChunk;
  run_chunks<Simd, kStride, kVectors>(work, 0, chunks - half);
  if (half) run_chunks<Simd, kStride, kVectors / 2>(work, chunks - 1, chunks);
}

template <class Simd>
void run_stride_1(const DepthwiseSweep& work) {
  if (2 * work.channels >= kVectors * Simd::kLanes) return run_sweep<Simd, 1>(work);
  run_folded_sweep<Simd, sweep_rows(1)>(work);
}

template <class Simd>
constexpr DepthwiseKernels with_sweeps(DepthwiseKernels kernels) {
  kernels.sweep[0] = run_stride_1<Simd>;
  kernels.sweep[1] = run_sweep<Simd, 2>;
  return kernels;
}

}  // namespace
}  // namespace intaglio
