// From int32 sums to bytes with AVX-512 (docs/arithmetic.md, "Requantization"): what the families of kernels share.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"
#include "kernels/inline.h"
#include "kernels/narrowing.h"

namespace intaglio {
namespace {

struct Rounding512 {
  using Vector = __m512i;
  using Sum = __v16si;
  using Bytes = __m512i;

  // A 4x4 transposition of the dwords, its own inverse: packing and unpacking twice work within 128-bit lanes.
  static INTAGLIO_INLINE Vector transposed(Vector vector) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), vector);
  }

  static INTAGLIO_INLINE __m512 scaled(Vector sum, __m512 scale) {
    return _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale);
  }

  // rne(float32(sum) * scale) for sums from `column` on.
  template <bool kBounded>
  class Float32 {
   public:
    INTAGLIO_INLINE Float32(const Requantization& r, std::size_t column) : scale_(r.scale + column) {}
    INTAGLIO_INLINE Vector operator()(Vector sum) const {
      const __m512 real = scaled(sum, _mm512_loadu_ps(scale_));
      if constexpr (kBounded) return _mm512_cvtps_epi32(real);
      // Beyond int32 the conversion gives INT_MIN, right for large negative values only; Narrow saturates to 16 bits.
      return _mm512_cvtps_epi32(_mm512_min_ps(real, _mm512_set1_ps(65536.0F)));
    }

   private:
    const float* scale_;
  };

  // The same for bounded scales, which stay in a register: the compiler would load them again for every sum.
  class HeldFloat32 {
   public:
    HeldFloat32() = default;
    INTAGLIO_INLINE HeldFloat32(const Requantization& r, std::size_t column)
        : scale_(_mm512_loadu_ps(r.scale + column)) {
      asm("" : "+v"(scale_));
    }
    INTAGLIO_INLINE Vector operator()(Vector sum) const { return _mm512_cvtps_epi32(scaled(sum, scale_)); }

   private:
    __m512 scale_;
  };

  // mbqm, or mbqm_once. Its two roundings are one in 64 bits: the first adds 2^30 before the shift by 31, the second
  // half of what it shifts by, less one where the value is negative. Without kSigned, negative values may come out as
  // any that are not positive.
  template <bool kSigned>
  class Fixed {
   public:
    INTAGLIO_INLINE Fixed(const Requantization& r, std::size_t column)
        : Fixed(_mm512_loadu_si512(r.multiplier + column), _mm512_loadu_si512(r.shift + column), r.rounds_once) {}
    INTAGLIO_INLINE Fixed(Vector multiplier, Vector shift, bool once)
        : even_(multiplier, _mm512_and_si512(right(shift), _mm512_set1_epi64(0xFFFFFFFF)), once),
          odd_(_mm512_srli_epi64(multiplier, 32), _mm512_srli_epi64(right(shift), 32), once) {}
    INTAGLIO_INLINE Vector operator()(Vector sum) const {
      const Vector odd = odd_.round(_mm512_srli_epi64(sum, 32));
      return _mm512_mask_shuffle_epi32(even_.round(sum), 0xAAAA, odd, _MM_PERM_CCAA);
    }

   private:
    static INTAGLIO_INLINE Vector right(Vector shift) { return _mm512_sub_epi32(_mm512_set1_epi32(31), shift); }

    // Of the low dwords of 64-bit lanes.
    class Half {
     public:
      INTAGLIO_INLINE Half(Vector multiplier, Vector right, bool once) : multiplier_(multiplier), right_(right) {
        const Vector one = _mm512_set1_epi64(1);
        const Vector half = _mm512_sllv_epi64(one, _mm512_sub_epi64(right, one));
        // 2^30 where half is more, that is, where the shift is negative.
        const Vector first = _mm512_and_si512(_mm512_sub_epi64(half, one), _mm512_set1_epi64(once ? 0 : 1 << 30));
        above_ = _mm512_add_epi64(half, first);
        below_ = _mm512_sub_epi64(half, once ? one : first);
      }
      INTAGLIO_INLINE Vector round(Vector sum) const {
        const Vector product = _mm512_mul_epi32(sum, multiplier_);
        Vector total = _mm512_add_epi64(product, above_);
        if constexpr (kSigned) {
          total = _mm512_mask_add_epi64(total, _mm512_movepi64_mask(product), product, below_);
        }
        return _mm512_srav_epi64(total, right_);
      }

     private:
      Vector multiplier_, right_, above_, below_;
    };
    Half even_, odd_;
  };

  // Four rounded vectors to bytes in order. Saturating on the way down cannot change a value that is clamped to a byte
  // afterwards.
  class Narrow {
   public:
    explicit INTAGLIO_INLINE Narrow(const Requantization& r)
        : zero_point_(_mm512_set1_epi16(static_cast<short>(r.zero_point))),
          low_(_mm512_set1_epi8(static_cast<char>(r.low))),
          high_(_mm512_set1_epi8(static_cast<char>(r.high))) {}
    template <Narrowing kNarrowing>
    INTAGLIO_INLINE Bytes bytes(Vector a, Vector b, Vector c, Vector d) const {
      return transposed(lanes<kNarrowing>(a, b, c, d));
    }
    // Each 128-bit lane of the four, one after another.
    template <Narrowing kNarrowing>
    INTAGLIO_INLINE Bytes lanes(Vector a, Vector b, Vector c, Vector d) const {
      Vector ab = _mm512_packs_epi32(a, b), cd = _mm512_packs_epi32(c, d);
      if constexpr (kNarrowing != Narrowing::kSaturate) {
        ab = _mm512_adds_epi16(ab, zero_point_);
        cd = _mm512_adds_epi16(cd, zero_point_);
      }
      const Vector bytes = _mm512_packus_epi16(ab, cd);
      if constexpr (kNarrowing != Narrowing::kClamp) return bytes;
      return _mm512_min_epu8(_mm512_max_epu8(bytes, low_), high_);
    }

   private:
    Vector zero_point_, low_, high_;
  };
};

}  // namespace
}  // namespace intaglio
