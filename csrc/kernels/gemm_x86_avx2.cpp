// GEMM for AVX2. vpmaddubsw would saturate, so bytes are widened to int16 and vpmaddwd is exact: of each four bytes the
// even two and the odd two make one vector each. Register map of the 4 x 1-panel tile: ymm 8 sums, 4 weights,
// 2 activations, 1 product.
#include "kernels/gemm_x86_256.h"

namespace intaglio {
namespace {

alignas(32) constexpr std::uint16_t kLowBytes[16] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

struct Avx2 : Gemm256 {
  template <int NP>
  static constexpr std::size_t kRows = 4;
  static constexpr int kMaxPanels = 1;
  static constexpr int kPartialSums = 2;
  static constexpr int kPipelinedPanels = 0;
  static constexpr bool kFetchesAhead = false;
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
    __m256i even;  // by assembly, or the compiler would load the mask into a register and spill a sum
    asm("vpand %2, %1, %0" : "=x"(even) : "x"(bytes), "m"(kLowBytes));
    return {even, _mm256_srli_epi16(bytes, 8)};
  }
  static Vector dot(Vector sum, Activations x, Weights w) {
    return add(add(sum, _mm256_madd_epi16(x.even, w.even)), _mm256_madd_epi16(x.odd, w.odd));
  }
  static void keep(Vector& v) { asm volatile("" : "+x"(v)); }
  static void keep(Halves& v) { asm volatile("" : "+x"(v.even), "+x"(v.odd)); }
};

}  // namespace

extern const GemmKernels gemm_u8s8_4x16c4_avx2 = {"gemm_u8s8_4x16c4_avx2", &run_gemm_block<Avx2>, &exercise_dots<Avx2>};

}  // namespace intaglio
