// Winograd convolution for AVX2. Register map of the products' 6 x 1-panel tile: ymm 12 sums, 2 weights, 1 activation,
// 1 product.
#include "kernels/winograd_impl.h"
#include "kernels/winograd_x86_256.h"

namespace intaglio {

extern const GemmKernels gemm_u8s8_6x16c2_avx2;

namespace {

struct Transforms256 : Gemm256 {
  static constexpr std::size_t kWords = 16;

  static Vector widen(const std::uint8_t* p) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Vector widen(const std::int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static void store_words(std::int16_t* p, Vector v) { _mm256_store_si256(reinterpret_cast<__m256i*>(p), v); }
};

struct Products : Products256 {
  static Vector dot(Vector sum, Activations x, Weights w) { return add(sum, _mm256_madd_epi16(x, w)); }
};

}  // namespace

extern const WinogradTransforms winograd_transforms_avx2 = {.channels = Transforms256::kWords,
                                                            .input_cost = 1600,
                                                            .output_cost = 3700,
                                                            .weight_cost = 720,
                                                            .inputs = &transform_inputs<Transforms256>,
                                                            .weights = &transform_weights<Transforms256>,
                                                            .outputs = &transform_outputs<Transforms256>};
extern const WinogradProducts winograd_s16_6x16c2_avx2 = {.name = "winograd_s16_6x16c2_avx2",
                                                          .columns = Products::kPanels * kPanelColumns,
                                                          .product_cost = 9.7,
                                                          .windows = &gemm_u8s8_6x16c2_avx2,
                                                          .window_cost = 10.2,
                                                          .multiply = &multiply<Products>};

}  // namespace intaglio
