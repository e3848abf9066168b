// From int32 sums to bytes with NEON (docs/arithmetic.md, "Requantization"): what the families of kernels share.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"
#include "kernels/inline.h"
#include "kernels/narrowing.h"

namespace intaglio {
namespace {

struct RoundingNeon {
  using Vector = int32x4_t;
  using Sum = int32x4_t;
  using Bytes = uint8x16_t;

  // rne(float32(sum) * scale) for sums from `column` on. The conversion saturates, so no product is too large.
  template <bool kBounded>
  class Float32 {
   public:
    INTAGLIO_INLINE Float32(const Requantization& r, std::size_t column) : scale_(r.scale + column) {}
    INTAGLIO_INLINE Vector operator()(Vector sum) const {
      return vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sum), vld1q_f32(scale_)));
    }

   private:
    const float* scale_;
  };

  // mbqm, or mbqm_once. sqrdmulh is srdhm; srshl rounds halves up, and away from zero once one is taken from negative
  // values.
  template <bool kSigned>
  class Fixed {
   public:
    INTAGLIO_INLINE Fixed(const Requantization& r, std::size_t column)
        : Fixed(vld1q_s32(r.multiplier + column), vld1q_s32(r.shift + column), r.rounds_once) {}
    INTAGLIO_INLINE Fixed(Vector multiplier, Vector shift, bool once)
        : multiplier_(multiplier), shift_(shift), once_(once) {}
    INTAGLIO_INLINE Vector operator()(Vector sum) const { return once_ ? round_once(sum) : round_twice(sum); }

   private:
    INTAGLIO_INLINE Vector round_twice(Vector sum) const {
      const Vector zero = vdupq_n_s32(0), left = vmaxq_s32(shift_, zero), right = vminq_s32(shift_, zero);
      const Vector product = vqrdmulhq_s32(vshlq_s32(sum, left), multiplier_);
      return vrshlq_s32(vqaddq_s32(product, vshrq_n_s32(vandq_s32(product, right), 31)), right);
    }
    INTAGLIO_INLINE Vector round_once(Vector sum) const {
      const Vector right = vsubq_s32(shift_, vdupq_n_s32(31));
      const int64x2_t low = vmull_s32(vget_low_s32(sum), vget_low_s32(multiplier_));
      const int64x2_t high = vmull_high_s32(sum, multiplier_);
      return vcombine_s32(vmovn_s64(half_away(low, vmovl_s32(vget_low_s32(right)))),
                          vmovn_s64(half_away(high, vmovl_high_s32(right))));
    }
    static INTAGLIO_INLINE int64x2_t half_away(int64x2_t product, int64x2_t right) {
      return vrshlq_s64(vaddq_s64(product, vshrq_n_s64(product, 63)), right);
    }

    Vector multiplier_, shift_;
    bool once_;
  };

  // Four rounded vectors to bytes in order. Saturating on the way down cannot change a value that is clamped to a byte
  // afterwards.
  class Narrow {
   public:
    explicit INTAGLIO_INLINE Narrow(const Requantization& r)
        : zero_point_(vdupq_n_s16(static_cast<std::int16_t>(r.zero_point))),
          low_(vdupq_n_u8(static_cast<std::uint8_t>(r.low))),
          high_(vdupq_n_u8(static_cast<std::uint8_t>(r.high))) {}
    template <Narrowing kNarrowing>
    INTAGLIO_INLINE Bytes bytes(Vector a, Vector b, Vector c, Vector d) const {
      int16x8_t ab = vqmovn_high_s32(vqmovn_s32(a), b), cd = vqmovn_high_s32(vqmovn_s32(c), d);
      if constexpr (kNarrowing != Narrowing::kSaturate) {
        ab = vqaddq_s16(ab, zero_point_);
        cd = vqaddq_s16(cd, zero_point_);
      }
      const Bytes bytes = vqmovun_high_s16(vqmovun_s16(ab), cd);
      if constexpr (kNarrowing != Narrowing::kClamp) return bytes;
      return vminq_u8(vmaxq_u8(bytes, low_), high_);
    }

   private:
    int16x8_t zero_point_;
    uint8x16_t low_, high_;
  };
};

}  // namespace
}  // namespace intaglio
