// What the 256-bit products of Winograd convolution (AVX2, AVX-VNNI) share: everything but the dot product. See
// winograd_products_impl.h.
#pragma once

#include "kernels/gemm_x86_256.h"
#include "kernels/winograd_products_impl.h"

namespace intaglio {
namespace {

struct Products256 : GemmDwords256 {
  static constexpr int kPanels = 1;
  static constexpr int kRows = 6;

  static void store_sum(std::int32_t* p, Vector v) { _mm256_store_si256(reinterpret_cast<__m256i*>(p), v); }
};

}  // namespace
}  // namespace intaglio
