// Depthwise convolution of 3x3 windows whose sums stay in registers while the window moves along the row. For the type
// `Simd` that depthwise_impl.h describes, which also supplies
//
//   cells_of(rows, at, cells)  4 * kLanes cells as kVectors vectors, in the order of sweep_channel()
//   Narrow::bytes              turns that order back
//   padding_cells(cell)        a vector of one cell
//
// Each column of input is interleaved once, for the three windows it lies in and for every output row of the sweep.
#pragma once

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

template <class Simd, int kStride>
void run_sweep(const DepthwiseSweep& work) {
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
constexpr DepthwiseKernels with_sweeps(DepthwiseKernels kernels) {
  kernels.sweep[0] = run_sweep<Simd, 1>;
  kernels.sweep[1] = run_sweep<Simd, 2>;
  return kernels;
}

}  // namespace
}  // namespace intaglio
