// GEMM for NEON without dot products: bytes are widened to 16 bits and smlal is exact. Each vector of weights holds two
// depths of four columns, so that one register of four inputs serves all by lane. Register map of the 4 x 1-panel tile:
// 16 sums, 8 weights, 1 input, 1 order of bytes.
#include "kernels/gemm_arm.h"

namespace intaglio {
namespace {

struct Neon : GemmArm {
  template <int NP>
  static constexpr std::size_t kRows = 4;
  static constexpr int kPartialSums = 2;
  struct Weights {
    int16x8_t first, second;  // depths 0 and 1, depths 2 and 3
  };
  using Activations = int16x4_t;

  static Weights load_weights(const std::int8_t* p) {
    constexpr uint8x16_t kByDepth = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const int8x16_t bytes = vqtbl1q_s8(vld1q_s8(p), kByDepth);
    return {vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)};
  }
  static Activations broadcast(const std::uint8_t* p) { return vreinterpret_s16_u16(vget_low_u16(vmovl_u8(load4(p)))); }
  static Vector dot(Vector sum, Activations x, Weights w) {
    sum = vmlal_lane_s16(sum, vget_low_s16(w.first), x, 0);
    sum = vmlal_high_lane_s16(sum, w.first, x, 1);
    sum = vmlal_lane_s16(sum, vget_low_s16(w.second), x, 2);
    return vmlal_high_lane_s16(sum, w.second, x, 3);
  }
};

}  // namespace

extern const GemmKernels gemm_u8s8_4x16c4_neon = {"gemm_u8s8_4x16c4_neon", &run_gemm_block<Neon>, &exercise_dots<Neon>};

}  // namespace intaglio
