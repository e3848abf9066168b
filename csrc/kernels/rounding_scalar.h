// From int32 sums to bytes, one at a time (docs/arithmetic.md, "Requantization").
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"
#include "kernels/inline.h"

namespace intaglio {
namespace {

// rne(float32(sum) * scale), where only the result up to +-1024 matters. Adding 1.5 * 2^23 leaves no bits for a
// fraction: the addition rounds to the nearest integer, ties to even, and that integer is in the low bits.
INTAGLIO_INLINE std::int32_t round_float32(std::int32_t sum, float scale) {
  const float scaled = static_cast<float>(sum) * scale;
  const float limited = scaled < -1024.0F ? -1024.0F : scaled > 1024.0F ? 1024.0F : scaled;
  return __builtin_bit_cast(std::int32_t, limited + 12582912.0F) - 0x4B400000;
}

// mbqm, or mbqm_once where `once`. Its two roundings are one in 64 bits: the first adds 2^30 before the shift by 31,
// the second half of what it shifts by, less one where the value is negative.
INTAGLIO_INLINE std::int32_t round_fixed(std::int32_t sum, std::int32_t multiplier, std::int32_t shift, bool once) {
  const int right = 31 - shift;
  const std::int64_t product = static_cast<std::int64_t>(sum) * multiplier;
  const std::int64_t half = std::int64_t{1} << (right - 1);
  const std::int64_t first = !once && shift < 0 ? std::int64_t{1} << 30 : 0;
  const std::int64_t addend = product < 0 ? half - (once ? 1 : first) : half + first;
  return static_cast<std::int32_t>((product + addend) >> right);
}

// A rounded value to its byte: adds the zero point and clamps.
INTAGLIO_INLINE std::uint8_t stored_byte(std::int32_t rounded, const Requantization& r) {
  const std::int64_t value = std::int64_t{rounded} + r.zero_point;
  return static_cast<std::uint8_t>(value < r.low ? r.low : value > r.high ? r.high : value);
}

}  // namespace
}  // namespace intaglio
