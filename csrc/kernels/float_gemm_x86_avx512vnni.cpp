// Float32 sums of products with AVX-512: 16 lanes; tiles of 8 rows by 2 vectors, 16 of 32 registers.
#include <immintrin.h>

#include "kernels/float_gemm_impl.h"

namespace intaglio {
namespace {

struct Avx512 {
  static constexpr std::size_t kLanes = 16;
  static constexpr int kRows = 8, kPanels = 2;
  using Vector = __m512;

  static __mmask16 first(std::size_t n) { return static_cast<__mmask16>(_bzhi_u32(0xFFFF, static_cast<unsigned>(n))); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector load(const float* p, std::size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float* p, Vector x) { _mm512_storeu_ps(p, x); }
  static void store(float* p, Vector x, std::size_t n) { _mm512_mask_storeu_ps(p, first(n), x); }
  static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Vector limit(Vector x, Vector low, Vector high) { return _mm512_min_ps(high, _mm512_max_ps(low, x)); }
};

}  // namespace

extern const FloatGemmKernels float_gemm_avx512;
constexpr FloatGemmKernels float_gemm_avx512 = {"float_gemm_8x32_avx512", run_float_gemm<Avx512>,
                                                "float_depthwise_avx512", run_float_depthwise<Avx512>};

}  // namespace intaglio
