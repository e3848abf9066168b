// Float32 loops in AVX2, and dot products of bytes, which GCC makes slow code of.
#include <immintrin.h>

#include "kernels/float_vector_impl.h"

namespace intaglio {
namespace {

INTAGLIO_INLINE __m256i add_products(__m256i sums, __m128i x, __m128i weights) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_cvtepu8_epi16(x), _mm256_cvtepi8_epi16(weights)));
}

INTAGLIO_INLINE std::int32_t sum_lanes(__m256i x) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
  return _mm_cvtsi128_si32(s);
}

// Four columns at a time share the inputs.
void dots_of_words(const std::uint8_t* x, const std::int8_t* weights, std::ptrdiff_t stride, std::size_t count,
                   std::int32_t* sums, std::size_t columns) {
  constexpr std::size_t kBytes = 16, kColumns = 4;
  const auto load = [](const void* p) INTAGLIO_LAMBDA { return _mm_loadu_si128(static_cast<const __m128i*>(p)); };
  const std::size_t whole = count / kBytes * kBytes;
  for (; columns >= kColumns; columns -= kColumns, sums += kColumns, weights += kColumns * stride) {
    __m256i lanes[kColumns] = {};
    for (std::size_t i = 0; i < whole; i += kBytes) {
      const __m128i inputs = load(x + i);
      for (std::size_t c = 0; c < kColumns; ++c) {
        lanes[c] = add_products(lanes[c], inputs, load(weights + static_cast<std::ptrdiff_t>(c) * stride + i));
      }
    }
    for (std::size_t c = 0; c < kColumns; ++c) sums[c] += sum_lanes(lanes[c]);
    dots(x + whole, weights + whole, stride, count - whole, sums, kColumns);
  }
  dots(x, weights, stride, count, sums, columns);
}

constexpr FloatVectorKernels kernels() {
  FloatVectorKernels all = INTAGLIO_FLOAT_VECTOR_KERNELS("avx2");
  all.dots = {"dots_u8s8_avx2", dots_of_words};
  return all;
}

}  // namespace

extern const FloatVectorKernels float_vector_avx2;
constexpr FloatVectorKernels float_vector_avx2 = kernels();

}  // namespace intaglio
