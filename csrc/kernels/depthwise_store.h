// From the sums of a chunk of channels to stored bytes, for the type `Simd` that depthwise_impl.h describes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise.h"
#include "kernels/inline.h"
#include "kernels/narrowing.h"

namespace intaglio {
namespace {

inline constexpr int kVectors = 4;  // vectors in a chunk

template <class Simd>
using ChunkSums = typename Simd::Vector[kVectors];

// The bytes of one site: all, or the first `count` of fewer.
template <class Simd>
INTAGLIO_INLINE void store_site(std::uint8_t* out, typename Simd::Bytes bytes, std::size_t count) {
  if (count == kVectors * Simd::kLanes) return Simd::store(out, bytes);
  Simd::store_some(out, bytes, count);
}

// Sums of `sites`, whose first channel is `channel`, in memory: for arithmetic that would crowd the registers, once for
// all numbers of sites.
template <class Simd, class Round>
__attribute__((noinline)) void round_stored(const Requantization& requantization, std::size_t channel,
                                            ChunkSums<Simd>* sums, int sites, std::uint8_t* out,
                                            std::ptrdiff_t out_step, std::size_t count) {
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const Round round(requantization, channel + v * Simd::kLanes);
    for (int site = 0; site < sites; ++site) sums[site][v] = round(sums[site][v]);
  }
  const typename Simd::Narrow narrow(requantization);
  for (int site = 0; site < sites; ++site, out += out_step) {
    const auto& s = sums[site];
    store_site<Simd>(out, narrow.template bytes<Narrowing::kClamp>(s[0], s[1], s[2], s[3]), count);
  }
}

template <class Simd>
auto choose_round(const Requantization& requantization) {
  if (requantization.scale != nullptr) return &round_stored<Simd, typename Simd::template Float32<false>>;
  return clamps_negative(requantization) ? &round_stored<Simd, typename Simd::template Fixed<false>>
                                         : &round_stored<Simd, typename Simd::template Fixed<true>>;
}

// Requantizes and stores the sums of kSites sites, whose arrays per channel are read from entry `channel` on; `count`
// bytes of each. For bounded float32 scales.
template <class Simd, int kSites>
INTAGLIO_INLINE void store_bounded(const Requantization& requantization, std::size_t channel,
                                   typename Simd::Sum (&sums)[kSites][kVectors], std::uint8_t* out,
                                   std::ptrdiff_t out_step, std::size_t count) {
  using Vector = typename Simd::Vector;
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const typename Simd::template Float32<true> round(requantization, channel + v * Simd::kLanes);
#pragma GCC unroll 8
    for (int site = 0; site < kSites; ++site) sums[site][v] = (typename Simd::Sum)round((Vector)sums[site][v]);
  }
  const typename Simd::Narrow narrow(requantization);
  const auto narrow_all = [&]<Narrowing kNarrowing>() INTAGLIO_LAMBDA {
#pragma GCC unroll 8
    for (int site = 0; site < kSites; ++site) {
      const auto bytes = narrow.template bytes<kNarrowing>((Vector)sums[site][0], (Vector)sums[site][1],
                                                           (Vector)sums[site][2], (Vector)sums[site][3]);
      store_site<Simd>(out + site * out_step, bytes, count);
    }
  };
  with_narrowing(requantization, narrow_all);
}

// The same for any requantization.
template <class Simd, int kSites>
INTAGLIO_INLINE void store_chunk(const Requantization& requantization, std::size_t channel,
                                 typename Simd::Sum (&sums)[kSites][kVectors], std::uint8_t* out,
                                 std::ptrdiff_t out_step, std::size_t count) {
  if (requantization.bounded) return store_bounded<Simd>(requantization, channel, sums, out, out_step, count);
  ChunkSums<Simd> stored[kSites];  // a copy: an array whose address is taken would not stay in registers
#pragma GCC unroll 8
  for (int site = 0; site < kSites; ++site) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) stored[site][v] = (typename Simd::Vector)sums[site][v];
  }
  choose_round<Simd>(requantization)(requantization, channel, stored, kSites, out, out_step, count);
}

}  // namespace
}  // namespace intaglio
