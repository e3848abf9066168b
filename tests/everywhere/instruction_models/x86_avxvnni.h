// Scalar models of AVX-VNNI's vpdpbusd and vpdpwssd in the place of their intrinsics: kernel files are compiled with
// this included first.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "counts.h"

namespace instruction_models {
namespace {

inline __m256i vpdpbusd(__m256i sums, __m256i input, __m256i weights) {
  counts.vpdpbusd.fetch_add(1, std::memory_order_relaxed);
  std::uint32_t sum[8];
  std::uint8_t x[32];
  std::int8_t w[32];
  std::memcpy(sum, &sums, sizeof(sum));
  std::memcpy(x, &input, sizeof(x));
  std::memcpy(w, &weights, sizeof(w));
  for (int i = 0; i < 32; ++i) sum[i / 4] += static_cast<std::uint32_t>(x[i] * w[i]);
  std::memcpy(&sums, sum, sizeof(sum));
  return sums;
}

inline __m256i vpdpwssd(__m256i sums, __m256i input, __m256i weights) {
  counts.vpdpwssd.fetch_add(1, std::memory_order_relaxed);
  std::uint32_t sum[8];
  std::int16_t x[16], w[16];
  std::memcpy(sum, &sums, sizeof(sum));
  std::memcpy(x, &input, sizeof(x));
  std::memcpy(w, &weights, sizeof(w));
  for (int i = 0; i < 16; ++i) sum[i / 2] += static_cast<std::uint32_t>(x[i] * w[i]);
  std::memcpy(&sums, sum, sizeof(sum));
  return sums;
}

}  // namespace
}  // namespace instruction_models

#define _mm256_dpbusd_avx_epi32 instruction_models::vpdpbusd
#define _mm256_dpwssd_avx_epi32 instruction_models::vpdpwssd
