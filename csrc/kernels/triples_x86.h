// Interleaving three runs of bytes with SSSE3, for every instruction set that has it.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/inline.h"

namespace intaglio {
namespace {

// Where the bytes of each run go: in vector k of three, byte j is number 16 * k + j, of run (16 * k + j) % 3. A shuffle
// gives zero for indices with the highest bit set, so the three of one vector are or'd together.
struct TripleShuffles {
  alignas(16) std::uint8_t index[3][3][16];  // by vector, then by run

  constexpr TripleShuffles() : index() {
    for (int n = 0; n < 48; ++n) {
      for (int run = 0; run < 3; ++run) {
        index[n / 16][run][n % 16] = static_cast<std::uint8_t>(run == n % 3 ? n / 3 : 0x80);
      }
    }
  }
};

struct Triples128 {
  static constexpr std::size_t kTriples = 16;

  static INTAGLIO_INLINE void store_triples(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c,
                                            std::uint8_t* y) {
    static constexpr TripleShuffles kShuffles;
    const __m128i runs[3] = {load_run(a), load_run(b), load_run(c)};
    for (int vector = 0; vector < 3; ++vector) {
      __m128i bytes = _mm_setzero_si128();
      for (int run = 0; run < 3; ++run) {
        bytes = _mm_or_si128(bytes, _mm_shuffle_epi8(runs[run], load_run(kShuffles.index[vector][run])));
      }
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y + 16 * vector), bytes);
    }
  }

 private:
  static INTAGLIO_INLINE __m128i load_run(const std::uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
};

}  // namespace
}  // namespace intaglio
