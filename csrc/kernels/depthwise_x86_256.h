// What the 256-bit depthwise kernels have in common: a chunk is 32 channels.
#pragma once

#include "kernels/depthwise_impl.h"
#include "kernels/rounding_x86_256.h"

namespace intaglio {
namespace {

struct Simd256 : Rounding256 {
  static constexpr int kLanes = 8;
  static constexpr int kSites = 3;
  using Cells = Vector;

  static INTAGLIO_INLINE Cells load_cells(const void* address) { return load(address); }

  // 32 bytes with the dwords in the order 0 2 4 6 | 1 3 5 7: unpacking twice within 128-bit lanes then gives four
  // vectors of eight channels each, in order.
  static INTAGLIO_INLINE __m256i load_spread(const std::uint8_t* address) {
    return _mm256_permutevar8x32_epi32(load(address), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
  }

  static INTAGLIO_INLINE void store(std::uint8_t* out, Bytes bytes) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), bytes);
  }
  static INTAGLIO_INLINE void store_some(std::uint8_t* out, Bytes bytes, std::size_t count) {
    alignas(32) std::uint8_t buffer[32];
    _mm256_store_si256(reinterpret_cast<__m256i*>(buffer), bytes);
    for (std::size_t i = 0; i < count; ++i) out[i] = buffer[i];
  }
};

}  // namespace
}  // namespace intaglio
