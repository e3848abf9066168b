// GEMM for AVX512-VNNI. Register map of the 8 x 2-panel tile: zmm 16 sums, 2 weights, 1 activation; the rest hold the
// constants of requantization. vpdpbusd sums four u8 x s8 products into int32 exactly (vpdpbusds would saturate):
// latency 4, two a cycle on Zen 5 and Cascade Lake, one on Zen 4 and Ice Lake client, so 8 sums hide its latency.
#include <immintrin.h>

#include "kernels/gemm_impl.h"

namespace intaglio {
namespace {

struct Avx512Vnni {
  static constexpr int kVectors = 1;
  template <int NP>
  static constexpr std::size_t kRows = 16 / NP;
  static constexpr int kTallPanels = 2;
  static constexpr int kNearPanels = 4;
  static constexpr int kMaxPanels = 4;
  static constexpr int kPartialSums = 4;
  using Vector = __m512i;
  using Weights = __m512i;
  using Activations = __m512i;
  using Bytes = __m512i;

  static Vector load_bias(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  static Vector splat(std::int32_t i) { return _mm512_set1_epi32(i); }
  static Weights load_weights(const std::int8_t* p) { return _mm512_load_si512(p); }
  static Activations broadcast(const std::uint8_t* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof(four));
    return _mm512_set1_epi32(four);
  }
  static Vector dot(Vector sum, Activations x, Weights w) { return _mm512_dpbusd_epi32(sum, x, w); }
  static void keep(Vector& v) { asm volatile("" : "+v"(v)); }

  template <bool kBounded>
  class Float32 {
   public:
    Float32(const Requantization& r, std::size_t column) : scale_(r.scale + column) {}
    Vector operator()(Vector sum) const {
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(scale_));
      if constexpr (kBounded) return _mm512_cvtps_epi32(scaled);
      // Beyond int32 the conversion gives INT_MIN, right for large negative values only; Narrow saturates to 16 bits.
      return _mm512_cvtps_epi32(_mm512_min_ps(scaled, _mm512_set1_ps(65536.0F)));
    }

   private:
    const float* scale_;
  };

  class Fixed {
   public:
    Fixed(const Requantization& r, std::size_t column) : multiplier_(_mm512_loadu_si512(r.multiplier + column)) {
      const Vector zero = _mm512_setzero_si512();
      const Vector one = splat(1);
      const Vector shift = _mm512_loadu_si512(r.shift + column);
      left_ = _mm512_max_epi32(shift, zero);
      right_ = _mm512_max_epi32(_mm512_sub_epi32(zero, shift), zero);
      mask_ = _mm512_sub_epi32(_mm512_sllv_epi32(one, right_), one);
      half_ = _mm512_srli_epi32(mask_, 1);
    }
    Vector operator()(Vector sum) const {
      const Vector x = _mm512_sllv_epi32(sum, left_);
      // srdhm: the middle 32 bits of the even and odd 64-bit products.
      const Vector nudge = _mm512_set1_epi64(1LL << 30);
      const Vector even = _mm512_add_epi64(_mm512_mul_epi32(x, multiplier_), nudge);
      const Vector odd =
          _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(multiplier_, 32)), nudge);
      const Vector high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
      // rdivpot: adds one where the remainder exceeds half, for negative values where it exceeds half by one.
      const Vector threshold = _mm512_add_epi32(half_, _mm512_srli_epi32(high, 31));
      const __mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(high, mask_), threshold);
      const Vector quotient = _mm512_srav_epi32(high, right_);
      return _mm512_mask_add_epi32(quotient, up, quotient, splat(1));
    }

   private:
    Vector multiplier_, left_, right_, mask_, half_;
  };

  class FixedOnce {
   public:
    FixedOnce(const Requantization& r, std::size_t column) : multiplier_(_mm512_loadu_si512(r.multiplier + column)) {
      const Vector right = _mm512_sub_epi32(splat(31), _mm512_loadu_si512(r.shift + column));
      even_right_ = _mm512_and_si512(right, _mm512_set1_epi64(0xFFFFFFFF));
      odd_right_ = _mm512_srli_epi64(right, 32);
    }
    Vector operator()(Vector sum) const {
      const Vector x = _mm512_abs_epi32(sum);
      const Vector even = quotient(_mm512_mul_epi32(x, multiplier_), even_right_);
      const Vector odd =
          quotient(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(multiplier_, 32)), odd_right_);
      const Vector high = _mm512_or_si512(even, _mm512_slli_epi64(odd, 32));
      return _mm512_mask_sub_epi32(high, _mm512_movepi32_mask(sum), _mm512_setzero_si512(), high);
    }

   private:
    // product / 2^right, ties up; right is at least 1.
    static Vector quotient(Vector product, Vector right) {
      const Vector one = _mm512_set1_epi64(1);
      const Vector half = _mm512_sllv_epi64(one, _mm512_sub_epi64(right, one));
      return _mm512_srlv_epi64(_mm512_add_epi64(product, half), right);
    }
    Vector multiplier_, even_right_, odd_right_;
  };

  class Narrow {
   public:
    explicit Narrow(const Requantization& r)
        : zero_point_(_mm512_set1_epi16(static_cast<short>(r.zero_point))),
          low_(_mm512_set1_epi8(static_cast<char>(r.low))),
          high_(_mm512_set1_epi8(static_cast<char>(r.high))) {}
    Bytes bytes(Vector a, Vector b, Vector c, Vector d) const {
      const Vector ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero_point_);
      const Vector cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero_point_);
      // Each 128-bit lane holds four columns of a, b, c, d: transpose the 4 x 4 dwords.
      const Vector order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
      const Vector bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(ab, cd));
      return _mm512_min_epu8(_mm512_max_epu8(bytes, low_), high_);
    }

   private:
    Vector zero_point_, low_, high_;
  };

  template <int kWidth>
  static void store(std::uint8_t* p, Bytes bytes, int piece) {
    if constexpr (kWidth == 64) {
      _mm512_storeu_si512(p, bytes);
    } else if constexpr (kWidth == 32) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), half(bytes, piece));
    } else {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), quarter(bytes, piece));
    }
  }
  template <int kWidth>
  static void copy(std::uint8_t* to, const std::uint8_t* from, std::size_t count) {
    for (std::size_t i = 0; i < kWidth && i < count; i += 64) {
      const __mmask64 mask = count - i >= 64 ? ~__mmask64{0} : (__mmask64{1} << (count - i)) - 1;
      _mm512_mask_storeu_epi8(to + i, mask, _mm512_maskz_loadu_epi8(mask, from + i));
    }
  }

 private:
  static __m256i half(Bytes bytes, int piece) {
    return piece == 0 ? _mm512_castsi512_si256(bytes) : _mm512_extracti64x4_epi64(bytes, 1);
  }
  static __m128i quarter(Bytes bytes, int piece) {
    switch (piece) {
      case 0:
        return _mm512_castsi512_si128(bytes);
      case 1:
        return _mm512_extracti32x4_epi32(bytes, 1);
      case 2:
        return _mm512_extracti32x4_epi32(bytes, 2);
      default:
        return _mm512_extracti32x4_epi32(bytes, 3);
    }
  }
};

}  // namespace

extern const GemmKernels gemm_u8s8_8x32c4_avx512vnni = {"gemm_u8s8_8x32c4_avx512vnni", &run_gemm_block<Avx512Vnni>,
                                                        &exercise_dots<Avx512Vnni>};

}  // namespace intaglio
