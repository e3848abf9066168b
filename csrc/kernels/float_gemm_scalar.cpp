// Float32 sums of products in portable C++, for CPUs without a fused multiply-add.
#include "kernels/float_gemm_impl.h"
#include "kernels/scalar_fma.h"

namespace intaglio {
namespace {

struct Scalar {
  static constexpr std::size_t kLanes = 1;
  static constexpr int kRows = 1, kPanels = 1;
  using Vector = float;

  static Vector load(const float* p) { return *p; }
  static Vector load(const float* p, std::size_t n) { return n == 0 ? 0 : *p; }
  static void store(float* p, Vector x) { *p = x; }
  static void store(float* p, Vector x, std::size_t n) {
    if (n != 0) *p = x;
  }
  static Vector broadcast(const float* p) { return *p; }
  static Vector limit(Vector x, Vector low, Vector high) {
    x = low > x ? low : x;
    return high < x ? high : x;
  }

  static Vector fma(Vector a, Vector b, Vector c) { return scalar_fma(a, b, c); }
};

}  // namespace

extern const FloatGemmKernels float_gemm_scalar;
constexpr FloatGemmKernels float_gemm_scalar = {"float_gemm_1x16_scalar", run_float_gemm<Scalar>,
                                                "float_depthwise_scalar", run_float_depthwise<Scalar>};

}  // namespace intaglio
