// What the Arm GEMM kernels share: everything but the dot product. See gemm_impl.h.
#pragma once

#include "kernels/gemm_impl.h"
#include "kernels/rounding_arm.h"

namespace intaglio {
namespace {

struct GemmArm : RoundingNeon {
  static constexpr int kVectors = 4;
  static constexpr int kTallPanels = 1;
  static constexpr int kNearPanels = 1;
  static constexpr int kMaxPanels = 1;
  static constexpr int kPipelinedPanels = 0;
  static constexpr bool kMasksStores = false;
  static constexpr bool kFetchesAhead = false;

  static Vector load_bias(const std::int32_t* p) { return vld1q_s32(p); }
  static Vector add(Vector a, Vector b) { return vaddq_s32(a, b); }
  static Vector splat(std::int32_t i) { return vdupq_n_s32(i); }
  // Four bytes in the first lane, for instructions that take one operand by lane.
  static uint8x8_t load4(const std::uint8_t* p) {
    std::uint32_t four;
    __builtin_memcpy(&four, p, sizeof(four));
    return vcreate_u8(four);
  }
  template <class V>
  static void keep(V& v) {
    asm volatile("" : "+w"(v));
  }

  template <int kWidth>
  static void store(std::uint8_t* p, Bytes bytes, int piece) {
    static_assert(kWidth == 16);
    (void)piece;
    vst1q_u8(p, bytes);
  }
  template <int kWidth>
  static void copy(std::uint8_t* to, const std::uint8_t* from, std::size_t count) {
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) __builtin_memcpy(to + i, from + i, 16);
    for (; i + 4 <= count; i += 4) __builtin_memcpy(to + i, from + i, 4);
    for (; i < count; ++i) to[i] = from[i];
  }
};

// Whether the groups of a row lie in memory in runs of so many, but for a last, shorter one.
template <std::size_t kCount>
INTAGLIO_INLINE bool are_neighbours(const GemmBlock& block) {
  if (block.one_run) return true;
  for (std::size_t i = 1; i < block.groups; ++i) {
    if (i % kCount != 0 && block.offsets[i] - block.offsets[i - 1] != std::int32_t{kGroupBytes}) return false;
  }
  return true;
}

}  // namespace
}  // namespace intaglio
