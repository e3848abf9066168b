// Float32 sums of products in portable C++, for CPUs without a fused multiply-add.
#include <bit>
#include <cstdint>

#include "kernels/float_gemm_impl.h"

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

  // The product is exact in float64. The sum is rounded to odd there, which leaves enough bits for the rounding to
  // float32 to be the only one.
  static Vector fma(Vector a, Vector b, Vector c) {
    const double product = static_cast<double>(a) * static_cast<double>(b), addend = static_cast<double>(c);
    const double total = product + addend;
    const double part = total - product;
    const double error = (product - (total - part)) + (addend - part);
    auto bits = std::bit_cast<std::int64_t>(total);
    if ((error < 0 || error > 0) && (bits & 1) == 0) bits += (error > 0) == (total > 0) ? 1 : -1;
    return static_cast<float>(std::bit_cast<double>(bits));
  }
};

}  // namespace

extern const FloatGemmKernels float_gemm_scalar;
constexpr FloatGemmKernels float_gemm_scalar = {"float_gemm_1x16_scalar", run_float_gemm<Scalar>,
                                                "float_depthwise_scalar", run_float_depthwise<Scalar>};

}  // namespace intaglio
