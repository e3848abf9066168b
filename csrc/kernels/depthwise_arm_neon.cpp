// Depthwise convolution on NEON: two rows to a cell as 16-bit values, exact by smlal. It serves weights of 8 bits too.
#include "kernels/depthwise_arm.h"

namespace intaglio {
namespace {

struct Neon : SimdArm {
  static constexpr int kSites = 6;
  static constexpr int kSitesInRuns = 0;
  static constexpr std::size_t kGroupRows = 2;
  using Cells = int16x4x2_t;  // upper rows, lower rows

  static INTAGLIO_INLINE Cells load_cells(const void* address) {
    return vld2_s16(static_cast<const std::int16_t*>(address));
  }
  static INTAGLIO_INLINE Sum dot(Sum sum, Cells cells, Cells weights) {
    return vmlal_s16(vmlal_s16(sum, cells.val[0], weights.val[0]), cells.val[1], weights.val[1]);
  }

  static INTAGLIO_INLINE void interleave(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    const uint8x16_t row0 = vld1q_u8(rows[0] + at), row1 = vld1q_u8(rows[1] + at);
    auto* to = reinterpret_cast<std::uint16_t*>(cells);
    const uint8x16_t low = vzip1q_u8(row0, row1), high = vzip2q_u8(row0, row1);
    vst1q_u16(to, vmovl_u8(vget_low_u8(low)));
    vst1q_u16(to + 8, vmovl_high_u8(low));
    vst1q_u16(to + 16, vmovl_u8(vget_low_u8(high)));
    vst1q_u16(to + 24, vmovl_high_u8(high));
  }
  static INTAGLIO_INLINE void interleave_narrow(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    interleave(rows, at, cells);
  }
};

}  // namespace

extern const DepthwiseKernels depthwise_u8s16_neon;
constexpr DepthwiseKernels depthwise_u8s16_neon = depthwise_kernels<Neon>("depthwise_u8s16_neon");

}  // namespace intaglio
