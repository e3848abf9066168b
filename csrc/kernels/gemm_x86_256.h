// What the 256-bit GEMM kernels (AVX2, AVX-VNNI) share: everything but the dot product. See gemm_impl.h.
#pragma once

#include <immintrin.h>

#include "kernels/gemm_impl.h"

namespace intaglio {
namespace {

struct Gemm256 {
  static constexpr int kVectors = 2;
  static constexpr int kTallPanels = 1;
  static constexpr int kNearPanels = 1;
  static constexpr int kLanes = 8;
  using Vector = __m256i;
  using Bytes = __m256i;

  static Vector load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static Vector load_bias(const std::int32_t* p) { return load(p); }
  static Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  static Vector splat(std::int32_t i) { return _mm256_set1_epi32(i); }
  static Vector splat4(const std::uint8_t* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof(four));
    return _mm256_set1_epi32(four);
  }

  template <bool kBounded>
  class Float32 {
   public:
    Float32(const Requantization& r, std::size_t column) : scale_(r.scale + column) {}
    Vector operator()(Vector sum) const {
      const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(scale_));
      if constexpr (kBounded) return _mm256_cvtps_epi32(scaled);
      // Beyond int32 the conversion gives INT_MIN, right for large negative values only; Narrow saturates to 16 bits.
      return _mm256_cvtps_epi32(_mm256_min_ps(scaled, _mm256_set1_ps(65536.0F)));
    }

   private:
    const float* scale_;
  };

  class Fixed {
   public:
    Fixed(const Requantization& r, std::size_t column) : multiplier_(load(r.multiplier + column)) {
      const Vector zero = _mm256_setzero_si256();
      const Vector one = splat(1);
      const Vector shift = load(r.shift + column);
      left_ = _mm256_max_epi32(shift, zero);
      right_ = _mm256_max_epi32(_mm256_sub_epi32(zero, shift), zero);
      mask_ = _mm256_sub_epi32(_mm256_sllv_epi32(one, right_), one);
      half_ = _mm256_srli_epi32(mask_, 1);
    }
    Vector operator()(Vector sum) const {
      const Vector x = _mm256_sllv_epi32(sum, left_);
      // srdhm: the middle 32 bits of the even and odd 64-bit products.
      const Vector nudge = _mm256_set1_epi64x(1LL << 30);
      const Vector even = _mm256_add_epi64(_mm256_mul_epi32(x, multiplier_), nudge);
      const Vector odd =
          _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(multiplier_, 32)), nudge);
      const Vector high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
      // rdivpot: adds one where the remainder exceeds half, for negative values where it exceeds half by one.
      const Vector threshold = _mm256_add_epi32(half_, _mm256_srli_epi32(high, 31));
      const Vector up = _mm256_cmpgt_epi32(_mm256_and_si256(high, mask_), threshold);
      return _mm256_sub_epi32(_mm256_srav_epi32(high, right_), up);
    }

   private:
    Vector multiplier_, left_, right_, mask_, half_;
  };

  class FixedOnce {
   public:
    FixedOnce(const Requantization& r, std::size_t column) : multiplier_(load(r.multiplier + column)) {
      const Vector right = _mm256_sub_epi32(splat(31), load(r.shift + column));
      even_right_ = _mm256_and_si256(right, _mm256_set1_epi64x(0xFFFFFFFF));
      odd_right_ = _mm256_srli_epi64(right, 32);
    }
    Vector operator()(Vector sum) const {
      const Vector x = _mm256_abs_epi32(sum);
      const Vector even = quotient(_mm256_mul_epi32(x, multiplier_), even_right_);
      const Vector odd =
          quotient(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(multiplier_, 32)), odd_right_);
      const Vector high = _mm256_or_si256(even, _mm256_slli_epi64(odd, 32));
      const Vector sign = _mm256_srai_epi32(sum, 31);
      return _mm256_sub_epi32(_mm256_xor_si256(high, sign), sign);
    }

   private:
    // product / 2^right, ties up; right is at least 1.
    static Vector quotient(Vector product, Vector right) {
      const Vector one = _mm256_set1_epi64x(1);
      const Vector half = _mm256_sllv_epi64(one, _mm256_sub_epi64(right, one));
      return _mm256_srlv_epi64(_mm256_add_epi64(product, half), right);
    }
    Vector multiplier_, even_right_, odd_right_;
  };

  class Narrow {
   public:
    explicit Narrow(const Requantization& r)
        : zero_point_(_mm256_set1_epi16(static_cast<short>(r.zero_point))),
          low_(_mm256_set1_epi8(static_cast<char>(r.low))),
          high_(_mm256_set1_epi8(static_cast<char>(r.high))) {}
    Bytes bytes(Vector a, Vector b, Vector c, Vector d) const {
      const Vector ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero_point_);
      const Vector cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero_point_);
      // Each 128-bit lane holds four columns of a, b, c, d: bring the two halves of each together.
      const Vector order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
      const Vector bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd), order);
      return _mm256_min_epu8(_mm256_max_epu8(bytes, low_), high_);
    }

   private:
    Vector zero_point_, low_, high_;
  };

  template <int kWidth>
  static void store(std::uint8_t* p, Bytes bytes, int piece) {
    if constexpr (kWidth == 32) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), bytes);
    } else {
      const __m128i half = piece == 0 ? _mm256_castsi256_si128(bytes) : _mm256_extracti128_si256(bytes, 1);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), half);
    }
  }
  template <int kWidth>
  static void copy(std::uint8_t* to, const std::uint8_t* from, std::size_t count) {
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) __builtin_memcpy(to + i, from + i, 16);
    for (; i + 4 <= count; i += 4) __builtin_memcpy(to + i, from + i, 4);
    for (; i < count; ++i) to[i] = from[i];
  }
};

}  // namespace
}  // namespace intaglio
