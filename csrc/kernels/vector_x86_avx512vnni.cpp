// Vector kernels with AVX-512 (F, BW, VL, DQ): 16 lanes of 32 bits, 64 bytes.
#include "kernels/rounding_x86_512.h"
#include "kernels/triples_x86.h"
#include "kernels/vector_table.h"

namespace intaglio {
namespace {

struct Avx512 : Rounding512, Triples128 {
  static constexpr std::size_t kLanes = 16, kBytes = 64;
  using I = __m512i;
  using F = __m512;
  using B = __m512i;

  static INTAGLIO_INLINE __mmask64 first(std::size_t n) {
    return _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(n));
  }

  static INTAGLIO_INLINE B set_bytes(std::uint8_t x) { return _mm512_set1_epi8(static_cast<char>(x)); }
  static INTAGLIO_INLINE B load_bytes(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
  static INTAGLIO_INLINE B load_bytes(const std::uint8_t* p, std::size_t n) {
    return _mm512_maskz_loadu_epi8(first(n), p);
  }
  static INTAGLIO_INLINE void store_bytes(std::uint8_t* p, B b) { _mm512_storeu_si512(p, b); }
  static INTAGLIO_INLINE void store_bytes(std::uint8_t* p, B b, std::size_t n) {
    _mm512_mask_storeu_epi8(p, first(n), b);
  }
  static INTAGLIO_INLINE B max_bytes(B a, B b) { return _mm512_max_epu8(a, b); }
  static INTAGLIO_INLINE B min_bytes(B a, B b) { return _mm512_min_epu8(a, b); }

  static INTAGLIO_INLINE I set(std::int32_t x) { return _mm512_set1_epi32(x); }
  static INTAGLIO_INLINE I load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static INTAGLIO_INLINE I load_u8(const std::uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static INTAGLIO_INLINE I add(I a, I b) { return _mm512_add_epi32(a, b); }
  static INTAGLIO_INLINE I sub(I a, I b) { return _mm512_sub_epi32(a, b); }
  static INTAGLIO_INLINE I mul(I a, I b) { return _mm512_mullo_epi32(a, b); }
  static INTAGLIO_INLINE I bit_xor(I a, I b) { return _mm512_xor_si512(a, b); }
  static INTAGLIO_INLINE I shift_left(I x, int count) { return _mm512_sll_epi32(x, _mm_cvtsi32_si128(count)); }
  static INTAGLIO_INLINE I shift_right(I x, int count) { return _mm512_sra_epi32(x, _mm_cvtsi32_si128(count)); }
  static INTAGLIO_INLINE I sign(I x) { return _mm512_srai_epi32(x, 31); }
  static INTAGLIO_INLINE I greater(I a, I b) { return _mm512_movm_epi32(_mm512_cmpgt_epi32_mask(a, b)); }

  static INTAGLIO_INLINE F set_float(float x) { return _mm512_set1_ps(x); }
  static INTAGLIO_INLINE F load_float(const float* p) { return _mm512_loadu_ps(p); }
  static INTAGLIO_INLINE void store_float(float* p, F x) { _mm512_storeu_ps(p, x); }
  static INTAGLIO_INLINE F to_float(I x) { return _mm512_cvtepi32_ps(x); }
  static INTAGLIO_INLINE I round(F x) { return _mm512_cvtps_epi32(x); }
  static INTAGLIO_INLINE I truncate(F x) { return _mm512_cvttps_epi32(x); }
  static INTAGLIO_INLINE F multiply(F a, F b) { return _mm512_mul_ps(a, b); }
  static INTAGLIO_INLINE F divide(F a, F b) { return _mm512_div_ps(a, b); }
  static INTAGLIO_INLINE F subtract(F a, F b) { return _mm512_sub_ps(a, b); }
  static INTAGLIO_INLINE F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static INTAGLIO_INLINE F maximum(F a, F b) { return _mm512_max_ps(a, b); }
  static INTAGLIO_INLINE F minimum(F a, F b) { return _mm512_min_ps(a, b); }
  static INTAGLIO_INLINE F or_zero(F x) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, x, _CMP_ORD_Q), x); }

  static INTAGLIO_INLINE B pack(I a, I b, I c, I d) { return transposed(join(a, b, c, d)); }
  static INTAGLIO_INLINE I part(B b, std::size_t k) {
    const int first = static_cast<int>(0x80808000 + 4 * k);  // bytes of index 0x80 become zero
    return _mm512_shuffle_epi8(b, _mm512_set4_epi32(first + 3, first + 2, first + 1, first));
  }
  static INTAGLIO_INLINE B join(I a, I b, I c, I d) {
    return _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
  }
  static INTAGLIO_INLINE I sum_bytes(I total, B b) {
    return _mm512_add_epi32(total, _mm512_sad_epu8(b, _mm512_setzero_si512()));
  }
  static INTAGLIO_INLINE std::int32_t sum(I x) { return _mm512_reduce_add_epi32(x); }

  // Two-register word permutes find the pair of entries of 128 bytes of table; the lowest bit of the index picks one.
  class Table {
   public:
    explicit INTAGLIO_INLINE Table(const std::uint8_t* entries) {
      for (int i = 0; i < 4; ++i) quarters_[i] = _mm512_loadu_si512(entries + 64 * i);
    }
    INTAGLIO_INLINE B look_up(B x) const {
      const __m512i low_byte = _mm512_set1_epi16(255);
      const __m512i even = look_up_words(_mm512_and_si512(x, low_byte));
      const __m512i odd = look_up_words(_mm512_srli_epi16(x, 8));
      return _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAA, even, _mm512_slli_epi16(odd, 8));
    }

   private:
    // The entry in the low byte of each word, anything above it.
    INTAGLIO_INLINE __m512i look_up_words(__m512i x) const {
      const __m512i pair = _mm512_srli_epi16(x, 1);
      const __m512i low = _mm512_permutex2var_epi16(quarters_[0], pair, quarters_[1]);
      const __m512i high = _mm512_permutex2var_epi16(quarters_[2], pair, quarters_[3]);
      const __m512i entries = _mm512_mask_blend_epi16(_mm512_movepi16_mask(_mm512_slli_epi16(x, 8)), low, high);
      const __m512i bit = _mm512_and_si512(x, _mm512_set1_epi16(1));
      return _mm512_srlv_epi16(entries, _mm512_slli_epi16(bit, 3));
    }
    __m512i quarters_[4];
  };
};

}  // namespace

extern const VectorKernels vector_avx512;
constexpr VectorKernels vector_avx512 = INTAGLIO_VECTOR_KERNELS(Avx512, "avx512");

}  // namespace intaglio
