// What the 512-bit GEMM kernels (AVX512-VNNI, AMX) share: everything but the dot product. See gemm_impl.h.
#pragma once

#include "kernels/rounding_x86_512.h"

namespace intaglio {
namespace {

struct Gemm512 : Rounding512 {
  static constexpr int kVectors = 1;
  static constexpr bool kMasksStores = true;
  using Weights = __m512i;
  using Activations = __m512i;

  static Vector load_bias(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  static Vector splat(std::int32_t i) { return _mm512_set1_epi32(i); }
  static Weights load_weights(const std::int8_t* p) { return _mm512_load_si512(p); }
  static Activations broadcast(const std::uint8_t* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof(four));
    return _mm512_set1_epi32(four);
  }

  template <int kWidth>
  static void store(std::uint8_t* p, Bytes bytes, int piece) {
    if constexpr (kWidth == 64) {
      _mm512_storeu_si512(p, bytes);
    } else if constexpr (kWidth == 32) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), half(bytes, piece));
    } else {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), quarter(bytes, piece));
    }
  }
  template <int kWidth>
  static void store(std::uint8_t* p, Bytes bytes, int piece, std::size_t columns) {
    const std::uint64_t mask = _bzhi_u64(~0ULL, static_cast<unsigned>(columns));
    if constexpr (kWidth == 64) {
      _mm512_mask_storeu_epi8(p, mask, bytes);
    } else if constexpr (kWidth == 32) {
      _mm256_mask_storeu_epi8(p, static_cast<__mmask32>(mask), half(bytes, piece));
    } else {
      _mm_mask_storeu_epi8(p, static_cast<__mmask16>(mask), quarter(bytes, piece));
    }
  }

 private:
  static __m256i half(Bytes bytes, int piece) {
    return piece == 0 ? _mm512_castsi512_si256(bytes) : _mm512_extracti64x4_epi64(bytes, 1);
  }
  static __m128i quarter(Bytes bytes, int piece) {
    switch (piece) {
      case 0:
        return _mm512_castsi512_si128(bytes);
      case 1:
        return _mm512_extracti32x4_epi32(bytes, 1);
      case 2:
        return _mm512_extracti32x4_epi32(bytes, 2);
      default:
        return _mm512_extracti32x4_epi32(bytes, 3);
    }
  }
};

}  // namespace
}  // namespace intaglio
