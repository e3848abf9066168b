// Winograd convolution for AVX512-VNNI. Register map of the products' 8 x 2-panel tile: zmm 16 sums, 2 weights,
// 1 activation.
#include "kernels/gemm_x86_512.h"
#include "kernels/winograd_impl.h"
#include "kernels/winograd_products_impl.h"

namespace intaglio {

extern const GemmKernels gemm_u8s8_8x32c4_avx512vnni;

namespace {

struct Transforms512 : Gemm512 {
  static constexpr std::size_t kWords = 32;

  static Vector widen(const std::uint8_t* p) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Vector widen(const std::int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static void store_words(std::int16_t* p, Vector v) { _mm512_store_si512(p, v); }
};

struct Products512 : Gemm512 {
  static constexpr int kPanels = 2;
  static constexpr int kRows = 8;

  static void store_sum(std::int32_t* p, Vector v) { _mm512_store_si512(p, v); }
  static Vector dot(Vector sum, Activations x, Weights w) { return _mm512_dpwssd_epi32(sum, x, w); }
};

}  // namespace

extern const WinogradTransforms winograd_transforms_avx512 = {.channels = Transforms512::kWords,
                                                              .input_cost = 1280,
                                                              .output_cost = 3000,
                                                              .weight_cost = 550,
                                                              .inputs = &transform_inputs<Transforms512>,
                                                              .weights = &transform_weights<Transforms512>,
                                                              .outputs = &transform_outputs<Transforms512>};
extern const WinogradProducts winograd_s16_8x32c2_avx512vnni = {.name = "winograd_s16_8x32c2_avx512vnni",
                                                                .columns = Products512::kPanels * kPanelColumns,
                                                                .product_cost = 4.55,
                                                                .windows = &gemm_u8s8_8x32c4_avx512vnni,
                                                                .window_cost = 2.17,
                                                                .multiply = &multiply<Products512>};

}  // namespace intaglio
