// Vector kernels with NEON: 4 lanes of 32 bits, 16 bytes.
#include "kernels/rounding_arm.h"
#include "kernels/vector_table.h"

namespace intaglio {
namespace {

struct Neon : RoundingNeon {
  static constexpr std::size_t kLanes = 4, kBytes = 16;
  using I = int32x4_t;
  using F = float32x4_t;
  using B = uint8x16_t;

  static INTAGLIO_INLINE B set_bytes(std::uint8_t x) { return vdupq_n_u8(x); }
  static INTAGLIO_INLINE B load_bytes(const std::uint8_t* p) { return vld1q_u8(p); }
  static INTAGLIO_INLINE B load_bytes(const std::uint8_t* p, std::size_t n) {
    std::uint8_t bytes[kBytes] = {};
    __builtin_memcpy(bytes, p, n);
    return load_bytes(bytes);
  }
  static INTAGLIO_INLINE void store_bytes(std::uint8_t* p, B b) { vst1q_u8(p, b); }
  // n < kBytes: halves, quarters and so on, as the bits of n say.
  static INTAGLIO_INLINE void store_bytes(std::uint8_t* p, B b, std::size_t n) {
    uint8x8_t part = vget_low_u8(b);
    if ((n & 8) != 0) {
      vst1_u8(p, part);
      p += 8;
      part = vget_high_u8(b);
    }
    std::uint64_t word = vget_lane_u64(vreinterpret_u64_u8(part), 0);
    for (std::size_t size = 4; size > 0; size /= 2) {
      if ((n & size) == 0) continue;
      __builtin_memcpy(p, &word, size);
      p += size;
      word >>= 8 * size;
    }
  }
  static constexpr std::size_t kTriples = kBytes;
  static INTAGLIO_INLINE void store_triples(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c,
                                            std::uint8_t* y) {
    vst3q_u8(y, {load_bytes(a), load_bytes(b), load_bytes(c)});
  }
  static INTAGLIO_INLINE B max_bytes(B a, B b) { return vmaxq_u8(a, b); }
  static INTAGLIO_INLINE B min_bytes(B a, B b) { return vminq_u8(a, b); }

  static INTAGLIO_INLINE I set(std::int32_t x) { return vdupq_n_s32(x); }
  static INTAGLIO_INLINE I load(const std::int32_t* p) { return vld1q_s32(p); }
  static INTAGLIO_INLINE I load_u8(const std::uint8_t* p) {
    std::uint32_t four;
    __builtin_memcpy(&four, p, sizeof(four));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))));
  }
  static INTAGLIO_INLINE I add(I a, I b) { return vaddq_s32(a, b); }
  static INTAGLIO_INLINE I sub(I a, I b) { return vsubq_s32(a, b); }
  static INTAGLIO_INLINE I mul(I a, I b) { return vmulq_s32(a, b); }
  static INTAGLIO_INLINE I bit_xor(I a, I b) { return veorq_s32(a, b); }
  static INTAGLIO_INLINE I shift_left(I x, int count) { return vshlq_s32(x, vdupq_n_s32(count)); }
  static INTAGLIO_INLINE I shift_right(I x, int count) { return vshlq_s32(x, vdupq_n_s32(-count)); }
  static INTAGLIO_INLINE I sign(I x) { return vshrq_n_s32(x, 31); }
  static INTAGLIO_INLINE I greater(I a, I b) { return vreinterpretq_s32_u32(vcgtq_s32(a, b)); }

  static INTAGLIO_INLINE F set_float(float x) { return vdupq_n_f32(x); }
  static INTAGLIO_INLINE F load_float(const float* p) { return vld1q_f32(p); }
  static INTAGLIO_INLINE void store_float(float* p, F x) { vst1q_f32(p, x); }
  static INTAGLIO_INLINE F to_float(I x) { return vcvtq_f32_s32(x); }
  static INTAGLIO_INLINE I round(F x) { return vcvtnq_s32_f32(x); }
  static INTAGLIO_INLINE I truncate(F x) { return vcvtq_s32_f32(x); }
  static INTAGLIO_INLINE F multiply(F a, F b) { return vmulq_f32(a, b); }
  static INTAGLIO_INLINE F divide(F a, F b) { return vdivq_f32(a, b); }
  static INTAGLIO_INLINE F subtract(F a, F b) { return vsubq_f32(a, b); }
  static INTAGLIO_INLINE F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  static INTAGLIO_INLINE F maximum(F a, F b) { return vmaxq_f32(a, b); }
  static INTAGLIO_INLINE F minimum(F a, F b) { return vminq_f32(a, b); }
  static INTAGLIO_INLINE F or_zero(F x) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), vceqq_f32(x, x)));
  }

  static INTAGLIO_INLINE B pack(I a, I b, I c, I d) {
    const int16x8_t ab = vqmovn_high_s32(vqmovn_s32(a), b), cd = vqmovn_high_s32(vqmovn_s32(c), d);
    return vqmovun_high_s16(vqmovun_s16(ab), cd);
  }
  static INTAGLIO_INLINE I part(B b, std::size_t k) {
    const uint16x8_t half = k < 2 ? vmovl_u8(vget_low_u8(b)) : vmovl_high_u8(b);
    return vreinterpretq_s32_u32(k % 2 == 0 ? vmovl_u16(vget_low_u16(half)) : vmovl_high_u16(half));
  }
  static INTAGLIO_INLINE B join(I a, I b, I c, I d) { return pack(a, b, c, d); }
  static INTAGLIO_INLINE I sum_bytes(I total, B b) {
    return vreinterpretq_s32_u32(vpadalq_u16(vreinterpretq_u32_s32(total), vpaddlq_u8(b)));
  }
  static INTAGLIO_INLINE std::int32_t sum(I x) { return vaddvq_s32(x); }

  // Sixteen registers of entries. Indices beyond a quarter leave the bytes of the quarters before.
  class Table {
   public:
    explicit INTAGLIO_INLINE Table(const std::uint8_t* entries) {
      for (int quarter = 0; quarter < 4; ++quarter) {
        for (int row = 0; row < 4; ++row) rows_[quarter].val[row] = vld1q_u8(entries + 64 * quarter + 16 * row);
      }
    }
    INTAGLIO_INLINE B look_up(B x) const {
      const B step = vdupq_n_u8(64);
      B y = vqtbl4q_u8(rows_[0], x);
#pragma GCC unroll 3
      for (int quarter = 1; quarter < 4; ++quarter) {
        x = vsubq_u8(x, step);
        y = vqtbx4q_u8(y, rows_[quarter], x);
      }
      return y;
    }

   private:
    uint8x16x4_t rows_[4];
  };
};

}  // namespace

extern const VectorKernels vector_neon;
constexpr VectorKernels vector_neon = INTAGLIO_VECTOR_KERNELS(Neon, "neon");

}  // namespace intaglio
