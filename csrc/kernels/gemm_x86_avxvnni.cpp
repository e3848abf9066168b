// GEMM for AVX-VNNI. Register map of the 6 x 1-panel tile: ymm 12 sums, 2 weights, 1 activation. vpdpbusd is exact.
#include "kernels/gemm_x86_256.h"

namespace intaglio {
namespace {

struct AvxVnni : GemmDwords256 {
  template <int NP>
  static constexpr std::size_t kRows = NP == 1   ? 6
                                       : NP == 2 ? 2
                                                 : 1;
  static constexpr int kMaxPanels = 2;
  static constexpr int kPartialSums = 4;
  static constexpr int kPipelinedPanels = 0;
  static constexpr bool kFetchesAhead = false;

  static Vector dot(Vector sum, Activations x, Weights w) { return _mm256_dpbusd_avx_epi32(sum, x, w); }
  static void keep(Vector& v) { asm volatile("" : "+x"(v)); }
};

}  // namespace

extern const GemmKernels gemm_u8s8_6x16c4_avxvnni = {"gemm_u8s8_6x16c4_avxvnni", &run_gemm_block<AvxVnni>,
                                                     &exercise_dots<AvxVnni>};

}  // namespace intaglio
