// What the 256-bit depthwise kernels have in common: a chunk is 32 channels.
#pragma once

#include <immintrin.h>

#include "kernels/depthwise_impl.h"

namespace intaglio {
namespace {

struct Simd256 {
  static constexpr int kLanes = 8;
  static constexpr int kSites = 3;
  using Vector = __m256i;
  using Sum = __v8si;
  using Bytes = __m256i;

  static INTAGLIO_INLINE Vector load(const void* address) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(address));
  }

  // 32 bytes with the dwords in the order 0 2 4 6 | 1 3 5 7: unpacking twice within 128-bit lanes then gives four
  // vectors of eight channels each, in order.
  static INTAGLIO_INLINE __m256i load_spread(const std::uint8_t* address) {
    return _mm256_permutevar8x32_epi32(load(address), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
  }

  static INTAGLIO_INLINE Vector scaled(Vector sum, const float* scale) {
    const __m256 limit = _mm256_set1_ps(0x1p30F);  // cvtps2dq makes INT_MIN of what is too large
    const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(scale));
    return _mm256_cvtps_epi32(_mm256_min_ps(product, limit));
  }

  static INTAGLIO_INLINE Vector multiplied(Vector sum, Vector multiplier, Vector shift) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i half = _mm256_set1_epi64x(1LL << 30);
    const __m256i left = _mm256_max_epi32(shift, zero);
    const __m256i right = _mm256_max_epi32(_mm256_sub_epi32(zero, shift), zero);
    const __m256i a = _mm256_sllv_epi32(sum, left);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, multiplier), half);
    const __m256i odd =
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(multiplier, 32)), half);
    const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
    const __m256i mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, right), one);
    const __m256i threshold = _mm256_sub_epi32(_mm256_srli_epi32(mask, 1), _mm256_srai_epi32(high, 31));
    const __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(high, mask), threshold);
    return _mm256_sub_epi32(_mm256_srav_epi32(high, right), up);
  }

  // Saturating on the way down cannot change a value that is clamped to a byte afterwards.
  static INTAGLIO_INLINE Bytes narrow(Vector v0, Vector v1, Vector v2, Vector v3,
                                      const Requantization& requantization) {
    const __m256i zero_point = _mm256_set1_epi16(static_cast<short>(requantization.zero_point));
    const __m256i low = _mm256_set1_epi8(static_cast<char>(requantization.low));
    const __m256i high = _mm256_set1_epi8(static_cast<char>(requantization.high));
    const __m256i words01 = _mm256_adds_epi16(_mm256_packs_epi32(v0, v1), zero_point);
    const __m256i words23 = _mm256_adds_epi16(_mm256_packs_epi32(v2, v3), zero_point);
    const __m256i bytes = _mm256_packus_epi16(words01, words23);
    const __m256i clamped = _mm256_min_epu8(_mm256_max_epu8(bytes, low), high);
    return _mm256_permutevar8x32_epi32(clamped, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
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
