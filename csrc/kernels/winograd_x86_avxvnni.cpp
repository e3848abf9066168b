// The products of Winograd convolution for AVX-VNNI. Register map of the 6 x 1-panel tile: ymm 12 sums, 2 weights,
// 1 activation.
#include "kernels/winograd_x86_256.h"

namespace intaglio {

extern const GemmKernels gemm_u8s8_6x16c4_avxvnni;

namespace {

struct Products : Products256 {
  static Vector dot(Vector sum, Activations x, Weights w) { return _mm256_dpwssd_avx_epi32(sum, x, w); }
};

}  // namespace

extern const WinogradProducts winograd_s16_6x16c2_avxvnni = {.name = "winograd_s16_6x16c2_avxvnni",
                                                             .columns = Products::kPanels * kPanelColumns,
                                                             .product_cost = 8.8,
                                                             .windows = &gemm_u8s8_6x16c4_avxvnni,
                                                             .window_cost = 4.4,
                                                             .multiply = &multiply<Products>};

}  // namespace intaglio
