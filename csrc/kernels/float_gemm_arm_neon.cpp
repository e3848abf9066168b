// Float32 sums of products with NEON: 4 lanes; tiles of 6 rows by 4 vectors, 24 of 32 registers.
#include <arm_neon.h>

#include "kernels/float_gemm_impl.h"

namespace intaglio {
namespace {

struct Neon {
  static constexpr std::size_t kLanes = 4;
  static constexpr int kRows = 6, kPanels = 1;
  using Vector = float32x4_t;

  static Vector load(const float* p) { return vld1q_f32(p); }
  static Vector load(const float* p, std::size_t n) {
    float lanes[kLanes] = {};
    for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
    return vld1q_f32(lanes);
  }
  static void store(float* p, Vector x) { vst1q_f32(p, x); }
  static void store(float* p, Vector x, std::size_t n) {
    float lanes[kLanes];
    vst1q_f32(lanes, x);
    for (std::size_t i = 0; i < n; ++i) p[i] = lanes[i];
  }
  static Vector broadcast(const float* p) { return vld1q_dup_f32(p); }
  static Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
  static Vector limit(Vector x, Vector low, Vector high) {
    x = vbslq_f32(vcgtq_f32(low, x), low, x);
    return vbslq_f32(vcltq_f32(high, x), high, x);
  }
};

}  // namespace

extern const FloatGemmKernels float_gemm_neon;
constexpr FloatGemmKernels float_gemm_neon = {"float_gemm_6x16_neon", run_float_gemm<Neon>, "float_depthwise_neon",
                                              run_float_depthwise<Neon>};

}  // namespace intaglio
