// Depthwise convolution on AVX2: two rows to a cell as 16-bit values, exact by vpmaddwd. It serves weights of 8 bits
// too: vpmaddubsw would take four rows but saturates.
#include "kernels/depthwise_x86_256.h"

namespace intaglio {
namespace {

struct Avx2 : Simd256 {
  static constexpr int kSitesInRuns = 0;
  static constexpr std::size_t kGroupRows = 2;

  static INTAGLIO_INLINE Sum dot(Sum sum, Vector cells, Vector weights) {
    return (Sum)_mm256_add_epi32((__m256i)sum, _mm256_madd_epi16(cells, weights));
  }

  static INTAGLIO_INLINE void interleave(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i row0 = load_spread(rows[0] + at);
    const __m256i row1 = load_spread(rows[1] + at);
    const __m256i low = _mm256_unpacklo_epi8(row0, row1);
    const __m256i high = _mm256_unpackhi_epi8(row0, row1);
    store(cells, _mm256_unpacklo_epi8(low, zero));
    store(cells + 32, _mm256_unpackhi_epi8(low, zero));
    store(cells + 64, _mm256_unpacklo_epi8(high, zero));
    store(cells + 96, _mm256_unpackhi_epi8(high, zero));
  }

  static INTAGLIO_INLINE void interleave_narrow(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    for (std::size_t i = 0; i < kNarrow; i += 8) {
      const __m256i row0 = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(rows[0] + at + i)));
      const __m256i row1 = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(rows[1] + at + i)));
      store(cells + i * kCellBytes, _mm256_or_si256(row0, _mm256_slli_epi32(row1, 16)));
    }
  }
};

}  // namespace

extern const DepthwiseKernels depthwise_u8s16_avx2;
constexpr DepthwiseKernels depthwise_u8s16_avx2 = depthwise_kernels<Avx2>("depthwise_u8s16_avx2");

}  // namespace intaglio
