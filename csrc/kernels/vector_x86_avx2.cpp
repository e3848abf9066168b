// Vector kernels with AVX2: 8 lanes of 32 bits, 32 bytes.
#include "kernels/rounding_x86_256.h"
#include "kernels/triples_x86.h"
#include "kernels/vector_table.h"

namespace intaglio {
namespace {

struct Avx2 : Rounding256, Triples128 {
  static constexpr std::size_t kLanes = 8, kBytes = 32;
  using I = __m256i;
  using F = __m256;
  using B = __m256i;

  static INTAGLIO_INLINE B set_bytes(std::uint8_t x) { return _mm256_set1_epi8(static_cast<char>(x)); }
  static INTAGLIO_INLINE B load_bytes(const std::uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static INTAGLIO_INLINE B load_bytes(const std::uint8_t* p, std::size_t n) {
    alignas(32) std::uint8_t bytes[kBytes] = {};
    __builtin_memcpy(bytes, p, n);
    return load_bytes(bytes);
  }
  static INTAGLIO_INLINE void store_bytes(std::uint8_t* p, B b) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), b);
  }
  // n < kBytes: halves, quarters and so on, as the bits of n say.
  static INTAGLIO_INLINE void store_bytes(std::uint8_t* p, B b, std::size_t n) {
    __m128i part = _mm256_castsi256_si128(b);
    if ((n & 16) != 0) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), part);
      p += 16;
      part = _mm256_extracti128_si256(b, 1);
    }
    if ((n & 8) != 0) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(p), part);
      p += 8;
      part = _mm_srli_si128(part, 8);
    }
    std::uint64_t word = static_cast<std::uint64_t>(_mm_cvtsi128_si64(part));
    for (std::size_t size = 4; size > 0; size /= 2) {
      if ((n & size) == 0) continue;
      __builtin_memcpy(p, &word, size);
      p += size;
      word >>= 8 * size;
    }
  }
  static INTAGLIO_INLINE B max_bytes(B a, B b) { return _mm256_max_epu8(a, b); }
  static INTAGLIO_INLINE B min_bytes(B a, B b) { return _mm256_min_epu8(a, b); }

  static INTAGLIO_INLINE I set(std::int32_t x) { return _mm256_set1_epi32(x); }
  static INTAGLIO_INLINE I load(const std::int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static INTAGLIO_INLINE I load_u8(const std::uint8_t* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  static INTAGLIO_INLINE I add(I a, I b) { return _mm256_add_epi32(a, b); }
  static INTAGLIO_INLINE I sub(I a, I b) { return _mm256_sub_epi32(a, b); }
  static INTAGLIO_INLINE I mul(I a, I b) { return _mm256_mullo_epi32(a, b); }
  static INTAGLIO_INLINE I bit_xor(I a, I b) { return _mm256_xor_si256(a, b); }
  static INTAGLIO_INLINE I shift_left(I x, int count) { return _mm256_sll_epi32(x, _mm_cvtsi32_si128(count)); }
  static INTAGLIO_INLINE I shift_right(I x, int count) { return _mm256_sra_epi32(x, _mm_cvtsi32_si128(count)); }
  static INTAGLIO_INLINE I sign(I x) { return _mm256_srai_epi32(x, 31); }
  static INTAGLIO_INLINE I greater(I a, I b) { return _mm256_cmpgt_epi32(a, b); }

  static INTAGLIO_INLINE F set_float(float x) { return _mm256_set1_ps(x); }
  static INTAGLIO_INLINE F load_float(const float* p) { return _mm256_loadu_ps(p); }
  static INTAGLIO_INLINE void store_float(float* p, F x) { _mm256_storeu_ps(p, x); }
  static INTAGLIO_INLINE F to_float(I x) { return _mm256_cvtepi32_ps(x); }
  static INTAGLIO_INLINE I round(F x) { return _mm256_cvtps_epi32(x); }
  static INTAGLIO_INLINE I truncate(F x) { return _mm256_cvttps_epi32(x); }
  static INTAGLIO_INLINE F multiply(F a, F b) { return _mm256_mul_ps(a, b); }
  static INTAGLIO_INLINE F divide(F a, F b) { return _mm256_div_ps(a, b); }
  static INTAGLIO_INLINE F subtract(F a, F b) { return _mm256_sub_ps(a, b); }
  static INTAGLIO_INLINE F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static INTAGLIO_INLINE F maximum(F a, F b) { return _mm256_max_ps(a, b); }
  static INTAGLIO_INLINE F minimum(F a, F b) { return _mm256_min_ps(a, b); }
  static INTAGLIO_INLINE F or_zero(F x) { return _mm256_and_ps(x, _mm256_cmp_ps(x, x, _CMP_ORD_Q)); }

  static INTAGLIO_INLINE B pack(I a, I b, I c, I d) {
    return _mm256_permutevar8x32_epi32(join(a, b, c, d), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static INTAGLIO_INLINE I part(B b, std::size_t k) {
    const int first = static_cast<int>(0x80808000 + 4 * k);  // bytes of index 0x80 become zero
    const __m128i lane = _mm_setr_epi32(first, first + 1, first + 2, first + 3);
    return _mm256_shuffle_epi8(b, _mm256_broadcastsi128_si256(lane));
  }
  static INTAGLIO_INLINE B join(I a, I b, I c, I d) {
    return _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  }
  static INTAGLIO_INLINE I sum_bytes(I total, B b) {
    return _mm256_add_epi32(total, _mm256_sad_epu8(b, _mm256_setzero_si256()));
  }
  static INTAGLIO_INLINE std::int32_t sum(I x) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
  }

  // Row r holds entries 16 r to 16 r + 15, exclusive-or'd with the row before it in the same half. A byte shuffle gives
  // zero where the index less 16 r is negative, so the rows up to the index's own cancel to the one wanted.
  class Table {
   public:
    explicit INTAGLIO_INLINE Table(const std::uint8_t* entries) {
      for (int row = 0; row < 16; ++row) {
        rows_[row] = load_row(entries, row);
        if (row % 8 != 0) rows_[row] = _mm256_xor_si256(rows_[row], load_row(entries, row - 1));
      }
    }
    INTAGLIO_INLINE B look_up(B x) const {
      const __m256i step = _mm256_set1_epi8(16);
      __m256i low = x, high = _mm256_xor_si256(x, _mm256_set1_epi8(-128));
      __m256i y = _mm256_xor_si256(_mm256_shuffle_epi8(rows_[0], low), _mm256_shuffle_epi8(rows_[8], high));
      for (int row = 1; row < 8; ++row) {
        low = _mm256_subs_epi8(low, step);
        high = _mm256_subs_epi8(high, step);
        y = _mm256_xor_si256(y, _mm256_shuffle_epi8(rows_[row], low));
        y = _mm256_xor_si256(y, _mm256_shuffle_epi8(rows_[row + 8], high));
      }
      return y;
    }

   private:
    static INTAGLIO_INLINE __m256i load_row(const std::uint8_t* entries, int row) {
      return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(entries + 16 * row)));
    }
    __m256i rows_[16];
  };
};

}  // namespace

extern const VectorKernels vector_avx2;
constexpr VectorKernels vector_avx2 = INTAGLIO_VECTOR_KERNELS(Avx2, "avx2");

}  // namespace intaglio
