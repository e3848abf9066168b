// Depthwise convolution on AVX-VNNI: four rows to a cell, vpdpbusd on 256 bits.
#include "kernels/depthwise_x86_256.h"

namespace intaglio {
namespace {

struct AvxVnni : Simd256 {
  static constexpr int kSitesInRuns = 3;
  static constexpr std::size_t kGroupRows = 4;

  static INTAGLIO_INLINE Sum dot(Sum sum, Vector cells, Vector weights) {
    return (Sum)_mm256_dpbusd_avx_epi32((__m256i)sum, cells, weights);
  }

  static INTAGLIO_INLINE void interleave(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    const __m256i row0 = load_spread(rows[0] + at);
    const __m256i row1 = load_spread(rows[1] + at);
    const __m256i row2 = load_spread(rows[2] + at);
    const __m256i row3 = load_spread(rows[3] + at);
    const __m256i low01 = _mm256_unpacklo_epi8(row0, row1);
    const __m256i high01 = _mm256_unpackhi_epi8(row0, row1);
    const __m256i low23 = _mm256_unpacklo_epi8(row2, row3);
    const __m256i high23 = _mm256_unpackhi_epi8(row2, row3);
    store(cells, _mm256_unpacklo_epi16(low01, low23));
    store(cells + 32, _mm256_unpackhi_epi16(low01, low23));
    store(cells + 64, _mm256_unpacklo_epi16(high01, high23));
    store(cells + 96, _mm256_unpackhi_epi16(high01, high23));
  }

  static INTAGLIO_INLINE void interleave_narrow(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    const __m128i row0 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[0] + at));
    const __m128i row1 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[1] + at));
    const __m128i row2 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[2] + at));
    const __m128i row3 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[3] + at));
    const __m128i low01 = _mm_unpacklo_epi8(row0, row1);
    const __m128i high01 = _mm_unpackhi_epi8(row0, row1);
    const __m128i low23 = _mm_unpacklo_epi8(row2, row3);
    const __m128i high23 = _mm_unpackhi_epi8(row2, row3);
    store(cells, _mm256_set_m128i(_mm_unpackhi_epi16(low01, low23), _mm_unpacklo_epi16(low01, low23)));
    store(cells + 32, _mm256_set_m128i(_mm_unpackhi_epi16(high01, high23), _mm_unpacklo_epi16(high01, high23)));
  }
};

}  // namespace

extern const DepthwiseKernels depthwise_u8s8_avxvnni;
constexpr DepthwiseKernels depthwise_u8s8_avxvnni = depthwise_kernels<AvxVnni>("depthwise_u8s8_avxvnni");

}  // namespace intaglio
