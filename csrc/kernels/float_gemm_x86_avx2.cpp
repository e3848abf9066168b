// Float32 sums of products with AVX2 and FMA: 8 lanes; tiles of 6 rows by 2 vectors, 12 of 16 registers.
#include <immintrin.h>

#include "kernels/float_gemm_impl.h"

namespace intaglio {
namespace {

struct Avx2 {
  static constexpr std::size_t kLanes = 8;
  static constexpr int kRows = 6, kPanels = 1;
  using Vector = __m256;

  static __m256i first(std::size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector load(const float* p, std::size_t n) { return _mm256_maskload_ps(p, first(n)); }
  static void store(float* p, Vector x) { _mm256_storeu_ps(p, x); }
  static void store(float* p, Vector x, std::size_t n) { _mm256_maskstore_ps(p, first(n), x); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Vector limit(Vector x, Vector low, Vector high) { return _mm256_min_ps(high, _mm256_max_ps(low, x)); }
};

}  // namespace

extern const FloatGemmKernels float_gemm_avx2;
constexpr FloatGemmKernels float_gemm_avx2 = {"float_gemm_6x16_avx2", run_float_gemm<Avx2>, "float_depthwise_avx2",
                                              run_float_depthwise<Avx2>};

}  // namespace intaglio
