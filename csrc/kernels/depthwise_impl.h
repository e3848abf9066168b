// Depthwise convolution, written once. Included by one file per instruction set, which supplies `Simd`:
//
//   kGroupRows, kLanes (int32 per vector), kSites (chunks that share weights; kSites * 4 accumulators fit the
//   registers) Vector                              kLanes int32 load(address)                       any alignment
//   dot(sum, cells, weights)            sum + the products of each cell, wrapping modulo 2^32
//   interleave(rows, at, cells)         4 * kLanes cells, in order, from bytes at..at + 4 * kLanes of each row
//   interleave_narrow(rows, at, cells)  16 cells
//   scaled(sum, scale)                  rne(float32(sum) * scale)
//   multiplied(sum, multiplier, shift)  mbqm
//   Bytes, narrow(v0, v1, v2, v3, requantization)   clamp(v + zero_point), 4 * kLanes bytes in order
//   store(out, bytes), store_some(out, bytes, count)
#pragma once

#include "kernels/depthwise.h"

#define INTAGLIO_INLINE inline __attribute__((always_inline))

namespace intaglio {
namespace {

inline constexpr int kVectors = 4;  // vectors in a chunk
inline constexpr std::size_t kNarrow = 16;

// What is left to do of the outputs that share a channel in every lane.
struct Sites {
  const std::uint8_t* cells;
  std::uint8_t* out;
  std::size_t channel;  // of the first lane
  std::size_t count;    // chunks; the last may be cut
};

template <class Simd, bool kFixed>
INTAGLIO_INLINE typename Simd::Vector requantize(typename Simd::Vector sum, const Requantization& requantization,
                                                 std::size_t channel) {
  if constexpr (kFixed) {
    return Simd::multiplied(sum, Simd::load(requantization.multiplier + channel),
                            Simd::load(requantization.shift + channel));
  } else {
    return Simd::scaled(sum, requantization.scale + channel);
  }
}

// Does kSites chunks at a time while there are as many, storing `kept` outputs of each.
template <class Simd, bool kFixed, int kSites, bool kWhole = true>
__attribute__((noinline)) void run_sites(const DepthwiseOutputs& work, Sites& sites, std::size_t kept) {
  using Vector = typename Simd::Vector;
  constexpr std::size_t kVectorBytes = Simd::kLanes * kCellBytes;
  const auto step = static_cast<std::ptrdiff_t>(work.step * kCellBytes);
  const std::byte* const first_weights = work.weights + sites.channel * kCellBytes;
  const std::ptrdiff_t* const taps_end = work.taps + work.tap_count;

  for (; sites.count >= kSites; sites.count -= kSites) {
    typename Simd::Sum sums[kSites][kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 4
      for (int site = 0; site < kSites; ++site) {
        sums[site][v] = (typename Simd::Sum)Simd::load(work.bias + sites.channel + v * Simd::kLanes);
      }
    }

    const std::byte* weights = first_weights;
    for (const std::ptrdiff_t* tap = work.taps; tap != taps_end; ++tap) {
      const std::uint8_t* x[kSites];
#pragma GCC unroll 4
      for (int site = 0; site < kSites; ++site) {
        x[site] = site == 0 ? sites.cells + *tap : x[site - 1] + step;
        // Opaque, so that a site is one base register: the compiler would keep an index for every vector, and spill.
        asm("" : "+r"(x[site]));
      }
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Vector weight = Simd::load(weights + v * kVectorBytes);
#pragma GCC unroll 4
        for (int site = 0; site < kSites; ++site) {
          sums[site][v] = Simd::dot(sums[site][v], Simd::load(x[site] + v * kVectorBytes), weight);
        }
      }
      weights += work.weight_step;
    }

#pragma GCC unroll 4
    for (int site = 0; site < kSites; ++site) {
      Vector rounded[4];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        rounded[v] =
            requantize<Simd, kFixed>((Vector)sums[site][v], work.requantization, sites.channel + v * Simd::kLanes);
      }
      const auto bytes = Simd::narrow(rounded[0], rounded[1], rounded[2], rounded[3], work.requantization);
      if constexpr (kWhole) {
        Simd::store(sites.out, bytes);
      } else {
        Simd::store_some(sites.out, bytes, kept);
      }
      sites.out += work.out_step;
    }
    sites.cells += kSites * step;
  }
}

template <class Simd, bool kFixed>
void all_outputs(const DepthwiseOutputs& work) {
  constexpr std::size_t kChunk = kVectors * Simd::kLanes;
  const std::size_t advance = kChunk % work.period;
  std::size_t channel = 0;
  for (std::size_t first = 0; first < work.step && first < work.count; first += kChunk) {
    const std::size_t behind = work.count - first;
    const std::size_t whole = behind < kChunk ? 0 : (behind - kChunk) / work.step + 1;
    Sites sites = {work.cells + first * kCellBytes, work.out + first, channel, whole};
    if constexpr (Simd::kSites >= 4) run_sites<Simd, kFixed, 4>(work, sites, kChunk);
    run_sites<Simd, kFixed, 2>(work, sites, kChunk);
    run_sites<Simd, kFixed, 1>(work, sites, kChunk);
    if (whole * work.step < behind) {
      sites.count = 1;
      run_sites<Simd, kFixed, 1, false>(work, sites, behind - whole * work.step);
    }
    channel += advance;
    if (channel >= work.period) channel -= work.period;
  }
}

template <class Simd>
void run_outputs(const DepthwiseOutputs& work) {
  if (work.requantization.scale != nullptr) {
    all_outputs<Simd, false>(work);
  } else {
    all_outputs<Simd, true>(work);
  }
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
constexpr DepthwiseKernels depthwise_kernels(const char* name) {
  return {name, Simd::kGroupRows, kVectors * Simd::kLanes, run_interleave<Simd>, run_outputs<Simd>};
}

}  // namespace
}  // namespace intaglio
