// GEMM for NEON with dot products: sdot sums four s8 x s8 products, so stored bytes have their sign bit turned as they
// are loaded, which takes 128 from each. Register map of the 6 x 1-panel tile: 24 sums, 4 weights, 1 input, 1 sign bit.
#include "kernels/gemm_arm.h"

namespace intaglio {
namespace {

struct Dotprod : GemmArm {
  template <int NP>
  static constexpr std::size_t kRows = 6;
  static constexpr int kPartialSums = 2;
  using Weights = int8x16_t;
  using Activations = int8x8_t;

  static Weights load_weights(const std::int8_t* p) { return vld1q_s8(p); }
  static Activations broadcast(const std::uint8_t* p) { return vreinterpret_s8_u8(veor_u8(load4(p), vdup_n_u8(0x80))); }
  static Vector dot(Vector sum, Activations x, Weights w) { return vdotq_lane_s32(sum, w, x, 0); }
};

}  // namespace

extern const GemmKernels gemm_s8s8_6x16c4_dotprod = {"gemm_s8s8_6x16c4_dotprod", &run_gemm_block<Dotprod>,
                                                     &exercise_dots<Dotprod>, 128};

}  // namespace intaglio
