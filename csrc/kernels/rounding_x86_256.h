// From int32 sums to bytes with AVX2 (docs/arithmetic.md, "Requantization"): what the families of kernels share.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"
#include "kernels/inline.h"
#include "kernels/narrowing.h"

namespace intaglio {
namespace {

struct Rounding256 {
  using Vector = __m256i;
  using Sum = __v8si;
  using Bytes = __m256i;

  static INTAGLIO_INLINE Vector load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

  // rne(float32(sum) * scale) for sums from `column` on.
  template <bool kBounded>
  class Float32 {
   public:
    INTAGLIO_INLINE Float32(const Requantization& r, std::size_t column) : scale_(r.scale + column) {}
    INTAGLIO_INLINE Vector operator()(Vector sum) const {
      const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(scale_));
      if constexpr (kBounded) return _mm256_cvtps_epi32(scaled);
      // Beyond int32 the conversion gives INT_MIN, right for large negative values only; Narrow saturates to 16 bits.
      return _mm256_cvtps_epi32(_mm256_min_ps(scaled, _mm256_set1_ps(65536.0F)));
    }

   private:
    const float* scale_;
  };

  // mbqm, or mbqm_once. Its two roundings are one in 64 bits: the first adds 2^30 before the shift by 31, the second
  // half of what it shifts by, less one where the value is negative. Without kSigned, negative values may come out as
  // any that are not positive. There is no arithmetic shift of 64-bit lanes: totals have 2^63 added, which is taken off
  // after the shift.
  template <bool kSigned>
  class Fixed {
   public:
    INTAGLIO_INLINE Fixed(const Requantization& r, std::size_t column)
        : Fixed(load(r.multiplier + column), load(r.shift + column), r.rounds_once) {}
    INTAGLIO_INLINE Fixed(Vector multiplier, Vector shift, bool once)
        : even_(multiplier, _mm256_and_si256(right(shift), _mm256_set1_epi64x(0xFFFFFFFF)), once),
          odd_(_mm256_srli_epi64(multiplier, 32), _mm256_srli_epi64(right(shift), 32), once),
          offset_(_mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_add_epi32(_mm256_set1_epi32(32), shift))) {}
    INTAGLIO_INLINE Vector operator()(Vector sum) const {
      const Vector odd = _mm256_slli_epi64(odd_.round(_mm256_srli_epi64(sum, 32)), 32);
      return _mm256_sub_epi32(_mm256_blend_epi32(even_.round(sum), odd, 0xAA), offset_);
    }

   private:
    static INTAGLIO_INLINE Vector right(Vector shift) { return _mm256_sub_epi32(_mm256_set1_epi32(31), shift); }

    // Of the low dwords of 64-bit lanes.
    class Half {
     public:
      INTAGLIO_INLINE Half(Vector multiplier, Vector right, bool once) : multiplier_(multiplier), right_(right) {
        const Vector one = _mm256_set1_epi64x(1);
        const Vector half = _mm256_sllv_epi64(one, _mm256_sub_epi64(right, one));
        // 2^30 where half is more, that is, where the shift is negative.
        const Vector first = _mm256_and_si256(_mm256_sub_epi64(half, one), _mm256_set1_epi64x(once ? 0 : 1 << 30));
        const Vector offset = _mm256_add_epi64(half, _mm256_slli_epi64(one, 63));
        above_ = _mm256_add_epi64(offset, first);
        below_ = _mm256_sub_epi64(offset, once ? one : first);
      }
      INTAGLIO_INLINE Vector round(Vector sum) const {
        const Vector product = _mm256_mul_epi32(sum, multiplier_);
        Vector addend = above_;
        if constexpr (kSigned) {
          addend = _mm256_castpd_si256(
              _mm256_blendv_pd(_mm256_castsi256_pd(above_), _mm256_castsi256_pd(below_), _mm256_castsi256_pd(product)));
        }
        return _mm256_srlv_epi64(_mm256_add_epi64(product, addend), right_);
      }

     private:
      Vector multiplier_, right_, above_, below_;
    };
    Half even_, odd_;
    Vector offset_;
  };

  // Four rounded vectors to bytes in order. Saturating on the way down cannot change a value that is clamped to a byte
  // afterwards.
  class Narrow {
   public:
    explicit INTAGLIO_INLINE Narrow(const Requantization& r)
        : zero_point_(_mm256_set1_epi16(static_cast<short>(r.zero_point))),
          low_(_mm256_set1_epi8(static_cast<char>(r.low))),
          high_(_mm256_set1_epi8(static_cast<char>(r.high))) {}
    template <Narrowing kNarrowing>
    INTAGLIO_INLINE Bytes bytes(Vector a, Vector b, Vector c, Vector d) const {
      Vector ab = _mm256_packs_epi32(a, b), cd = _mm256_packs_epi32(c, d);
      if constexpr (kNarrowing != Narrowing::kSaturate) {
        ab = _mm256_adds_epi16(ab, zero_point_);
        cd = _mm256_adds_epi16(cd, zero_point_);
      }
      // Each 128-bit lane holds four columns of a, b, c, d: bring the two halves of each together.
      const Vector order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
      const Vector bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd), order);
      if constexpr (kNarrowing != Narrowing::kClamp) return bytes;
      return _mm256_min_epu8(_mm256_max_epu8(bytes, low_), high_);
    }

   private:
    Vector zero_point_, low_, high_;
  };
};

}  // namespace
}  // namespace intaglio
