// What the 256-bit GEMM kernels (AVX2, AVX-VNNI) share: everything but the dot product. See gemm_impl.h.
#pragma once

#include "kernels/gemm_impl.h"
#include "kernels/rounding_x86_256.h"

namespace intaglio {
namespace {

struct Gemm256 : Rounding256 {
  static constexpr int kVectors = 2;
  static constexpr int kTallPanels = 1;
  static constexpr int kNearPanels = 1;
  static constexpr int kLanes = 8;
  static constexpr bool kMasksStores = false;

  static Vector load_bias(const std::int32_t* p) { return load(p); }
  static Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  static Vector splat(std::int32_t i) { return _mm256_set1_epi32(i); }
  static Vector splat4(const std::uint8_t* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof(four));
    return _mm256_set1_epi32(four);
  }

  template <int kWidth>
  static void store(std::uint8_t* p, Bytes bytes, int piece) {
    if constexpr (kWidth == 32) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), bytes);
    } else {
      const __m128i half = piece == 0 ? _mm256_castsi256_si128(bytes) : _mm256_extracti128_si256(bytes, 1);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), half);
    }
  }
  template <int kWidth>
  static void copy(std::uint8_t* to, const std::uint8_t* from, std::size_t count) {
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) __builtin_memcpy(to + i, from + i, 16);
    for (; i + 4 <= count; i += 4) __builtin_memcpy(to + i, from + i, 4);
    for (; i < count; ++i) to[i] = from[i];
  }
};

// Where both operands are registers of four bytes for each column.
struct GemmDwords256 : Gemm256 {
  using Weights = __m256i;
  using Activations = __m256i;

  static Weights load_weights(const std::int8_t* p) { return load(p); }
  static Activations broadcast(const std::uint8_t* p) { return splat4(p); }
};

}  // namespace
}  // namespace intaglio
