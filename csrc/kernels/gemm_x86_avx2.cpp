// GEMM for AVX2. vpmaddubsw would saturate, so bytes are widened to int16 and vpmaddwd is exact: of each four bytes the
// even two and the odd two make one vector each. Register map of the 6 x 1-panel tile: ymm 12 sums, 2 weights,
// 1 activation, 1 product.
#include "kernels/gemm_widened.h"
#include "kernels/gemm_x86_256.h"

namespace intaglio {
namespace {

// Widens with every use: for rows one at a time.
struct Avx2 : Gemm256 {
  template <int NP>
  static constexpr std::size_t kRows = 4;
  static constexpr int kPartialSums = 2;
  static constexpr std::size_t kWidened = 16;
  struct Halves {
    __m256i even, odd;
  };
  using Weights = Halves;
  using Activations = Halves;

  static Weights load_weights(const std::int8_t* p) {
    const __m256i bytes = load(p);
    return {_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), _mm256_srai_epi16(bytes, 8)};
  }
  static Activations broadcast(const std::uint8_t* p) {
    const __m256i bytes = splat4(p);
    return {_mm256_and_si256(bytes, _mm256_set1_epi16(0xFF)), _mm256_srli_epi16(bytes, 8)};
  }
  static Vector dot(Vector sum, Activations x, Weights w) {
    return add(add(sum, _mm256_madd_epi16(x.even, w.even)), _mm256_madd_epi16(x.odd, w.odd));
  }
  static void keep(Vector& v) { asm volatile("" : "+x"(v)); }
  static void keep(Halves& v) { asm volatile("" : "+x"(v.even), "+x"(v.odd)); }

  static void widen(const std::uint8_t* from, std::uint8_t* to) {
    const __m256i order = _mm256_setr_epi8(0, -1, 2, -1, 1, -1, 3, -1, 4, -1, 6, -1, 5, -1, 7, -1,  //
                                           8, -1, 10, -1, 9, -1, 11, -1, 12, -1, 14, -1, 13, -1, 15, -1);
    const __m256i twice = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_shuffle_epi8(twice, order));
  }
  static void store_weights(std::int8_t* p, __m256i words) { _mm256_store_si256(reinterpret_cast<__m256i*>(p), words); }
};

struct Avx2Words : GemmDwords256 {
  template <int NP>
  static constexpr std::size_t kRows = 6;
  static constexpr bool kFetchesAhead = true;
  static constexpr bool kOneRun = true;

  static Vector dot(Vector sum, Activations x, Weights w) { return add(sum, _mm256_madd_epi16(x, w)); }
};

}  // namespace

extern const GemmKernels gemm_u8s8_6x16c2_avx2 = {.name = "gemm_u8s8_6x16c2_avx2",
                                                  .run = &run_widened<Avx2, Avx2Words>,
                                                  .exercise = &exercise_dots<Avx2>,
                                                  .widens = true};

}  // namespace intaglio
