// GEMM for NEON with dot products: sdot sums four s8 x s8 products, so stored bytes have their sign bit turned as they
// are loaded, which takes 128 from each. Where four groups are neighbours in memory, one load and one turn of a row
// serve all of them. Register map of the 5 x 1-panel tile: 20 sums, 5 inputs, 4 weights, 1 sign bit. With a sixth
// row GCC 12 spills.
#include "kernels/gemm_arm.h"

namespace intaglio {
namespace {

struct Apart : GemmArm {
  template <int NP>
  static constexpr std::size_t kRows = 5;
  static constexpr int kPartialSums = 2;
  using Weights = int8x16_t;
  using Activations = int8x8_t;

  static Weights load_weights(const std::int8_t* p) { return vld1q_s8(p); }
  static Activations broadcast(const std::uint8_t* p) { return vreinterpret_s8_u8(veor_u8(load4(p), vdup_n_u8(0x80))); }
  static Vector dot(Vector sum, Activations x, Weights w) { return vdotq_lane_s32(sum, w, x, 0); }
};

constexpr std::size_t kNeighbours = 4;

struct Neighbours : Apart {
  template <int MR, int NV>
  static INTAGLIO_INLINE void add_neighbours(Vector (&sums)[MR][NV], const std::uint8_t* input, const Stride& row,
                                             const std::int32_t*& offset, const std::int32_t* end,
                                             const std::int8_t*& weights) {
    for (; end - offset >= std::ptrdiff_t{kNeighbours}; offset += kNeighbours) {
      const std::uint8_t* const near = input + *offset;
      const std::uint8_t* const far = near + row.four();
      int8x16_t x[MR];
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) {
        x[r] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row.from(r < 4 ? near : far, r % 4)), vdupq_n_u8(0x80)));
      }
      add_group<0>(sums, x, weights);
      add_group<1>(sums, x, weights);
      add_group<2>(sums, x, weights);
      add_group<3>(sums, x, weights);
    }
  }

 private:
  template <int kLane, int MR, int NV>
  static INTAGLIO_INLINE void add_group(Vector (&sums)[MR][NV], const int8x16_t (&x)[MR], const std::int8_t*& weights) {
    Weights w[NV];
#pragma GCC unroll 16
    for (int v = 0; v < NV; ++v) w[v] = load_weights(weights + 16 * v);
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < NV; ++v) sums[r][v] = vdotq_laneq_s32(sums[r][v], w[v], x[r], kLane);
    }
    weights += panel_bytes(1);
  }
};

void run_block(const GemmBlock& block) {
  if (are_neighbours<kNeighbours>(block)) {
    run_gemm_block<Neighbours>(block);
  } else {
    run_gemm_block<Apart>(block);
  }
}

}  // namespace

extern const GemmKernels gemm_s8s8_5x16c4_dotprod = {"gemm_s8s8_5x16c4_dotprod", &run_block, &exercise_dots<Apart>,
                                                     128};

}  // namespace intaglio
