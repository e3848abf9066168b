// Depthwise convolution on NEON with dot products: four rows to a cell, their sign bits turned for sdot.
#include "kernels/depthwise_arm.h"

namespace intaglio {
namespace {

struct Dotprod : FourRows<0x80> {
  using Cells = int8x16_t;
  static INTAGLIO_INLINE Cells load_cells(const void* address) {
    return vld1q_s8(static_cast<const std::int8_t*>(address));
  }
  static INTAGLIO_INLINE Sum dot(Sum sum, Cells cells, Cells weights) { return vdotq_s32(sum, cells, weights); }
};

}  // namespace

extern const DepthwiseKernels depthwise_s8s8_dotprod;
constexpr DepthwiseKernels depthwise_s8s8_dotprod = depthwise_kernels<Dotprod>("depthwise_s8s8_dotprod", 128);

}  // namespace intaglio
