// GEMM for AVX512-VNNI. Register map of the 8 x 2-panel tile: zmm 16 sums, 2 weights, 1 activation; the rest hold the
// constants of requantization. vpdpbusd sums four u8 x s8 products into int32 exactly (vpdpbusds would saturate):
// latency 4, two a cycle on Zen 5 and Cascade Lake, one on Zen 4 and Ice Lake client, so 8 sums hide its latency.
#include "kernels/gemm_impl.h"
#include "kernels/gemm_x86_512.h"

namespace intaglio {
namespace {

struct Avx512Vnni : Gemm512 {
  template <int NP>
  static constexpr std::size_t kRows = NP == 1 ? 8 : 16 / NP;
  static constexpr std::size_t kWholeRows = 16;
  static constexpr int kTallPanels = 2;
  static constexpr int kNearPanels = 4;
  static constexpr int kMaxPanels = 4;
  static constexpr int kPartialSums = 4;
  static constexpr int kPipelinedPanels = 2;
  static constexpr int kPipelinedRows = 6;
  static constexpr bool kFetchesAhead = true;

  static Vector dot(Vector sum, Activations x, Weights w) { return _mm512_dpbusd_epi32(sum, x, w); }
  static void keep(Vector& v) { asm volatile("" : "+v"(v)); }
};

}  // namespace

extern const GemmKernels gemm_u8s8_8x32c4_avx512vnni = {"gemm_u8s8_8x32c4_avx512vnni", &run_gemm_block<Avx512Vnni>,
                                                        &exercise_dots<Avx512Vnni>};

}  // namespace intaglio
