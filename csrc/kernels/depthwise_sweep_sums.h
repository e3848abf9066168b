// The sums of a sweep in registers: what its ways of going along a row have in common. For the type `Simd` that
// depthwise_sweep_impl.h describes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise_store.h"
#include "kernels/inline.h"

namespace intaglio {
namespace {

inline constexpr int kWindow = 3;

// The sums of one column of outputs: kV vectors of each row.
template <class Simd, int kRows, int kV>
using SweepSums = typename Simd::Sum[kRows][kV];

// The biases and the first tap: cells times weights(row, v).
template <class Simd, int kRows, int kV, class Weights>
INTAGLIO_INLINE void start_sums(const std::int32_t* bias, const typename Simd::Cells (&cells)[kV],
                                typename Simd::Sum (&sums)[kRows][kV], const Weights& weights) {
#pragma GCC unroll 4
  for (int v = 0; v < kV; ++v) {
    const auto first = (typename Simd::Sum)Simd::held(Simd::load(bias + v * Simd::kLanes));
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) sums[row][v] = Simd::dot(first, cells[v], weights(row, v));
  }
}

// Adds another tap.
template <class Simd, int kRows, int kV, class Weights>
INTAGLIO_INLINE void add_cells(const typename Simd::Cells (&cells)[kV], typename Simd::Sum (&sums)[kRows][kV],
                               const Weights& weights) {
#pragma GCC unroll 4
  for (int v = 0; v < kV; ++v) {
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) sums[row][v] = Simd::dot(sums[row][v], cells[v], weights(row, v));
  }
}

// store_bounded() for two vectors of each row, half a chunk.
template <class Simd, int kRows>
INTAGLIO_INLINE void store_halves(const Requantization& requantization, typename Simd::Sum (&sums)[kRows][2],
                                  std::uint8_t* out, std::ptrdiff_t out_step) {
  using Vector = typename Simd::Vector;
  const typename Simd::template Float32<true> low(requantization, 0), high(requantization, Simd::kLanes);
  Vector rounded[kRows][2];
#pragma GCC unroll 2
  for (int row = 0; row < kRows; ++row) {
    rounded[row][0] = low((Vector)sums[row][0]);
    rounded[row][1] = high((Vector)sums[row][1]);
  }
  const typename Simd::Narrow narrow(requantization);
  with_narrowing(requantization, [&]<Narrowing kNarrowing>() INTAGLIO_LAMBDA {
    constexpr int kLast = kRows - 1;
    const auto bytes =
        narrow.template halves<kNarrowing>(rounded[0][0], rounded[0][1], rounded[kLast][0], rounded[kLast][1]);
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) Simd::store_half(out + row * out_step, bytes, row);
  });
}

}  // namespace
}  // namespace intaglio
