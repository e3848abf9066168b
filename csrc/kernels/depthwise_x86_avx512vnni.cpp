// Depthwise convolution on AVX512-VNNI: a chunk is 64 channels. Four rows to a cell by vpdpbusd, or two rows as 16-bit
// values by vpmaddwd where weights need 16 bits.
//
// Registers: 28 accumulators (4 vectors of channels at 7 sites), 1 of weights, 1 of cells: 74 instructions for 28 dots.
// Or, where three taps are neighbours, 24 accumulators (6 sites), 3 of weights, 1 of cells: 133 instructions for 72
// dots.
#include <algorithm>

#include "kernels/depthwise_impl.h"
#include "kernels/depthwise_sweep_impl.h"
#include "kernels/rounding_x86_512.h"

namespace intaglio {
namespace {

struct Simd512 : Rounding512 {
  static constexpr int kLanes = 16;
  static constexpr int kSites = 7;
  static constexpr int kSitesInRuns = 6;

  using Cells = Vector;
  static INTAGLIO_INLINE Vector load(const void* address) { return _mm512_loadu_si512(address); }
  static INTAGLIO_INLINE Cells load_cells(const void* address) { return load(address); }

  // Four rows of 16 bytes, one to each 128-bit lane.
  static INTAGLIO_INLINE __m128i load16(const std::uint8_t* address) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(address));
  }

  static INTAGLIO_INLINE void store(std::uint8_t* out, Bytes bytes) { _mm512_storeu_si512(out, bytes); }
  static INTAGLIO_INLINE void store_some(std::uint8_t* out, Bytes bytes, std::size_t count) {
    _mm512_mask_storeu_epi8(out, _bzhi_u64(~0ULL, static_cast<unsigned>(count)), bytes);
  }
};

struct Avx512Vnni : Simd512 {
  static constexpr std::size_t kGroupRows = 4;

  static INTAGLIO_INLINE Sum dot(Sum sum, Vector cells, Vector weights) {
    return (Sum)_mm512_dpbusd_epi32((__m512i)sum, cells, weights);
  }

  // Cells within each 128-bit lane.
  static INTAGLIO_INLINE void unpack(Vector row0, Vector row1, Vector row2, Vector row3, Cells (&cells)[kVectors]) {
    const __m512i low01 = _mm512_unpacklo_epi8(row0, row1);
    const __m512i high01 = _mm512_unpackhi_epi8(row0, row1);
    const __m512i low23 = _mm512_unpacklo_epi8(row2, row3);
    const __m512i high23 = _mm512_unpackhi_epi8(row2, row3);
    cells[0] = _mm512_unpacklo_epi16(low01, low23);
    cells[1] = _mm512_unpackhi_epi16(low01, low23);
    cells[2] = _mm512_unpacklo_epi16(high01, high23);
    cells[3] = _mm512_unpackhi_epi16(high01, high23);
  }

  static INTAGLIO_INLINE void interleave(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    Cells made[kVectors];
    unpack(transposed(load(rows[0] + at)), transposed(load(rows[1] + at)), transposed(load(rows[2] + at)),
           transposed(load(rows[3] + at)), made);
    for (int v = 0; v < kVectors; ++v) store(cells + 64 * v, made[v]);
  }

  // One row to each 128-bit lane; transposing dwords, then bytes within each lane, gives 16 cells.
  static INTAGLIO_INLINE void interleave_narrow(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    const __m512i bytes4x4 = _mm512_set4_epi32(0x0F0B0703, 0x0E0A0602, 0x0D090501, 0x0C080400);
    __m512i lanes = _mm512_castsi128_si512(load16(rows[0] + at));
    lanes = _mm512_inserti32x4(lanes, load16(rows[1] + at), 1);
    lanes = _mm512_inserti32x4(lanes, load16(rows[2] + at), 2);
    lanes = _mm512_inserti32x4(lanes, load16(rows[3] + at), 3);
    store(cells, _mm512_shuffle_epi8(transposed(lanes), bytes4x4));
  }
};

struct Avx512VnniSweep : Avx512Vnni {
  // Opaque: the compiler would load it again for every row, and loads are what sweeps have most of.
  static INTAGLIO_INLINE Vector held(Vector vector) {
    asm("" : "+v"(vector));
    return vector;
  }

  template <bool kBounded>
  using Float32 = HeldFloat32;

  struct Narrow : Rounding512::Narrow {
    using Rounding512::Narrow::Narrow;
    template <Narrowing kNarrowing>
    INTAGLIO_INLINE Bytes bytes(Vector a, Vector b, Vector c, Vector d) const {
      return lanes<kNarrowing>(a, b, c, d);
    }
    template <Narrowing kNarrowing>
    INTAGLIO_INLINE Bytes halves(Vector a0, Vector a1, Vector b0, Vector b1) const {
      const __m512i order = _mm512_setr_epi32(0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15);
      return _mm512_permutexvar_epi32(order, lanes<kNarrowing>(a0, a1, b0, b1));
    }
  };
  static INTAGLIO_INLINE void store_half(std::uint8_t* out, Bytes bytes, int half) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        half == 0 ? _mm512_castsi512_si256(bytes) : _mm512_extracti64x4_epi64(bytes, 1));
  }

  // `at` is made opaque for rows 1 and 3 to be loaded twice: no register is free to keep them.
  static INTAGLIO_INLINE void cells_of(const std::uint8_t* const* rows, std::size_t& at, Cells (&cells)[kVectors]) {
    const __m512i row0 = load(rows[0] + at), low01 = _mm512_unpacklo_epi8(row0, load(rows[1] + at));
    asm("" : "+r"(at));
    const __m512i high01 = _mm512_unpackhi_epi8(row0, load(rows[1] + at));
    const __m512i row2 = load(rows[2] + at), low23 = _mm512_unpacklo_epi8(row2, load(rows[3] + at));
    asm("" : "+r"(at));
    const __m512i high23 = _mm512_unpackhi_epi8(row2, load(rows[3] + at));
    cells[0] = _mm512_unpacklo_epi16(low01, low23);
    cells[1] = _mm512_unpackhi_epi16(low01, low23);
    cells[2] = _mm512_unpacklo_epi16(high01, high23);
    cells[3] = _mm512_unpackhi_epi16(high01, high23);
  }
  // The lower halves of vectors have rows 0 and 1, the upper ones rows 2 and 3, until words of both are paired.
  static INTAGLIO_INLINE void cells_of(const std::uint8_t* const* rows, std::size_t at, Cells (&cells)[kVectors / 2]) {
    const __m512i paired = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                            21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i even = load_halves(rows[0] + at, rows[2] + at), odd = load_halves(rows[1] + at, rows[3] + at);
    cells[0] = _mm512_permutexvar_epi16(paired, _mm512_unpacklo_epi8(even, odd));
    cells[1] = _mm512_permutexvar_epi16(paired, _mm512_unpackhi_epi8(even, odd));
  }
  static INTAGLIO_INLINE Vector load_halves(const std::uint8_t* low, const std::uint8_t* high) {
    const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(low));
    const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(high));
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
  }
  static INTAGLIO_INLINE void cells_at_edge(const std::uint8_t* const* rows, std::size_t at, std::size_t end,
                                            std::uint32_t cell, Cells (&cells)[kVectors]) {
    const auto before = static_cast<std::ptrdiff_t>(at) < 0 ? std::size_t{0} - at : 0;
    const __mmask64 inside =
        before < 64 && at + before < end
            ? _bzhi_u64(~0ULL, static_cast<unsigned>(std::min<std::size_t>(end - at, 64))) >> before << before
            : 0;
    const __m512i padding = padding_cells(cell);
    const auto row = [&](int i) INTAGLIO_LAMBDA {
      return _mm512_mask_loadu_epi8(padding, inside, rows[i] + static_cast<std::ptrdiff_t>(at));
    };
    unpack(row(0), row(1), row(2), row(3), cells);
  }
  static INTAGLIO_INLINE Cells padding_cells(std::uint32_t cell) { return _mm512_set1_epi32(static_cast<int>(cell)); }
};

// Weights of 16 bits are rare: fewer shapes of passes, better small than fastest.
struct Avx512Wide : Simd512 {
  static constexpr std::size_t kGroupRows = 2;
  static constexpr int kSitesInRuns = 0;

  static INTAGLIO_INLINE Sum dot(Sum sum, Vector cells, Vector weights) {
    return (Sum)_mm512_add_epi32((__m512i)sum, _mm512_madd_epi16(cells, weights));
  }

  static INTAGLIO_INLINE void interleave(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    const __m512i zero = _mm512_setzero_si512();
    const __m512i row0 = transposed(load(rows[0] + at));
    const __m512i row1 = transposed(load(rows[1] + at));
    const __m512i low = _mm512_unpacklo_epi8(row0, row1);
    const __m512i high = _mm512_unpackhi_epi8(row0, row1);
    store(cells, _mm512_unpacklo_epi8(low, zero));
    store(cells + 64, _mm512_unpackhi_epi8(low, zero));
    store(cells + 128, _mm512_unpacklo_epi8(high, zero));
    store(cells + 192, _mm512_unpackhi_epi8(high, zero));
  }

  static INTAGLIO_INLINE void interleave_narrow(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    const __m512i row0 = _mm512_cvtepu8_epi32(load16(rows[0] + at));
    const __m512i row1 = _mm512_cvtepu8_epi32(load16(rows[1] + at));
    store(cells, _mm512_or_si512(row0, _mm512_slli_epi32(row1, 16)));
  }
};

}  // namespace

extern const DepthwiseKernels depthwise_u8s8_avx512vnni;
constexpr DepthwiseKernels depthwise_u8s8_avx512vnni =
    with_sweeps<Avx512VnniSweep>(depthwise_kernels<Avx512Vnni>("depthwise_u8s8_avx512vnni"));
extern const DepthwiseKernels depthwise_u8s16_avx512;
constexpr DepthwiseKernels depthwise_u8s16_avx512 = depthwise_kernels<Avx512Wide>("depthwise_u8s16_avx512");

}  // namespace intaglio
