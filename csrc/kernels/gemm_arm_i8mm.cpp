// GEMM for NEON with i8mm: sudot takes stored bytes as they are. Register map of the 6 x 1-panel tile: 24 sums,
// 4 weights, 1 input.
#include "kernels/gemm_arm.h"

namespace intaglio {
namespace {

struct I8mm : GemmArm {
  template <int NP>
  static constexpr std::size_t kRows = 6;
  static constexpr int kPartialSums = 2;
  using Weights = int8x16_t;
  using Activations = uint8x8_t;

  static Weights load_weights(const std::int8_t* p) { return vld1q_s8(p); }
  static Activations broadcast(const std::uint8_t* p) { return load4(p); }
  static Vector dot(Vector sum, Activations x, Weights w) { return vsudotq_lane_s32(sum, w, x, 0); }
};

}  // namespace

extern const GemmKernels gemm_u8s8_6x16c4_i8mm = {"gemm_u8s8_6x16c4_i8mm", &run_gemm_block<I8mm>, &exercise_dots<I8mm>};

}  // namespace intaglio
