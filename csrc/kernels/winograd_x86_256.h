// What the 256-bit products of Winograd convolution (AVX2, AVX-VNNI) share: everything but the dot product. See
// winograd_products_impl.h.
#pragma once

#include "kernels/gemm_x86_256.h"
#include "kernels/winograd_products_impl.h"

namespace intaglio {
namespace {

struct Products256 : Gemm256 {
  static constexpr int kPanels = 1;
  static constexpr int kRows = 6;
  using Weights = __m256i;
  using Activations = __m256i;

  static void store_sum(std::int32_t* p, Vector v) { _mm256_store_si256(reinterpret_cast<__m256i*>(p), v); }
  static Weights load_weights(const std::int8_t* p) { return load(p); }
  static Activations broadcast(const std::uint8_t* p) { return splat4(p); }
};

}  // namespace
}  // namespace intaglio
