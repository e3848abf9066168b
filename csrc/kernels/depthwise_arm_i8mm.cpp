// Depthwise convolution on NEON with i8mm: four rows to a cell, as they are stored, for usdot.
#include "kernels/depthwise_arm.h"

namespace intaglio {
namespace {

struct I8mm : FourRows<0> {
  using Cells = int8x16_t;
  static INTAGLIO_INLINE Cells load_cells(const void* address) {
    return vld1q_s8(static_cast<const std::int8_t*>(address));
  }
  static INTAGLIO_INLINE Sum dot(Sum sum, Cells cells, Cells weights) {
    return vusdotq_s32(sum, vreinterpretq_u8_s8(cells), weights);
  }
};

}  // namespace

extern const DepthwiseKernels depthwise_u8s8_i8mm;
constexpr DepthwiseKernels depthwise_u8s8_i8mm = depthwise_kernels<I8mm>("depthwise_u8s8_i8mm");

}  // namespace intaglio
