// GEMM for NEON with i8mm. usmmla multiplies two rows of eight stored bytes by two columns of eight weights: 32
// products into the sums of a square of two by two, twice as many as a dot product. Two groups of a packed panel,
// zipped, are the eight bytes of each column. Groups that are not neighbours in memory, a last one and single rows take
// sudot.
//
// Register map of the 6 x 1-panel tile: 24 sums, 3 inputs of two rows, 4 weights.
#include "kernels/gemm_arm.h"

namespace intaglio {
namespace {

struct Dots : GemmArm {
  template <int NP>
  static constexpr std::size_t kRows = 6;
  static constexpr int kPartialSums = 2;
  using Weights = int8x16_t;
  using Activations = uint8x8_t;

  static Weights load_weights(const std::int8_t* p) { return vld1q_s8(p); }
  static Activations broadcast(const std::uint8_t* p) { return load4(p); }
  static Vector dot(Vector sum, Activations x, Weights w) { return vsudotq_lane_s32(sum, w, x, 0); }
};

struct Squares : Dots {
  // A last odd row is done twice.
  template <int MR, int NV>
  static INTAGLIO_INLINE void add_neighbours(Vector (&sums)[MR][NV], const std::uint8_t* input, const Stride& row,
                                             const std::int32_t*& offset, const std::int32_t* end,
                                             const std::int8_t*& weights) {
    constexpr int kRowPairs = (MR + 1) / 2;
    constexpr auto kLast = [](int r) { return r < MR ? r : MR - 1; };
    Vector squares[kRowPairs][2 * NV];
#pragma GCC unroll 16
    for (int p = 0; p < kRowPairs; ++p) {
#pragma GCC unroll 16
      for (int v = 0; v < NV; ++v) {
        squares[p][2 * v] = first_halves(sums[2 * p][v], sums[kLast(2 * p + 1)][v]);
        squares[p][2 * v + 1] = second_halves(sums[2 * p][v], sums[kLast(2 * p + 1)][v]);
      }
    }
    for (; end - offset >= 2; offset += 2) {
      const std::uint8_t* const near = input + *offset;
      const std::uint8_t* const far = near + row.four();
      uint8x16_t x[kRowPairs];
#pragma GCC unroll 16
      for (int p = 0; p < kRowPairs; ++p) {
        const int r = 2 * p, s = kLast(2 * p + 1);
        x[p] = vcombine_u8(vld1_u8(row.from(r < 4 ? near : far, r % 4)), vld1_u8(row.from(s < 4 ? near : far, s % 4)));
      }
#pragma GCC unroll 16
      for (int v = 0; v < NV; ++v) {
        const Vector low = vreinterpretq_s32_s8(vld1q_s8(weights + 16 * v));
        const Vector high = vreinterpretq_s32_s8(vld1q_s8(weights + panel_bytes(1) + 16 * v));
        const int8x16_t first = vreinterpretq_s8_s32(vzip1q_s32(low, high));
        const int8x16_t second = vreinterpretq_s8_s32(vzip2q_s32(low, high));
#pragma GCC unroll 16
        for (int p = 0; p < kRowPairs; ++p) {
          squares[p][2 * v] = vusmmlaq_s32(squares[p][2 * v], x[p], first);
          squares[p][2 * v + 1] = vusmmlaq_s32(squares[p][2 * v + 1], x[p], second);
        }
      }
      weights += panel_bytes(2);
    }
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < NV; ++v) {
        const Vector left = squares[r / 2][2 * v], right = squares[r / 2][2 * v + 1];
        sums[r][v] = r % 2 == 0 ? first_halves(left, right) : second_halves(left, right);
      }
    }
  }

 private:
  static INTAGLIO_INLINE Vector first_halves(Vector a, Vector b) {
    return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
  }
  static INTAGLIO_INLINE Vector second_halves(Vector a, Vector b) {
    return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
  }
};

void run_block(const GemmBlock& block) {
  if (are_neighbours<2>(block)) {
    run_gemm_block<Squares>(block);
  } else {
    run_gemm_block<Dots>(block);
  }
}

}  // namespace

extern const GemmKernels gemm_u8s8_6x16c4_i8mm = {"gemm_u8s8_6x16c4_i8mm", &run_block, &exercise_dots<Dots>};

}  // namespace intaglio
