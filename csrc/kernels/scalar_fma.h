// The fused multiply-add of CPUs that have none.
#pragma once

#include <bit>
#include <cstdint>

namespace intaglio {
namespace {

// a * b + c, rounded once. The product is exact in float64. The sum is rounded to odd there, which leaves enough bits
// for the rounding to float32 to be the only one.
inline float scalar_fma(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b), addend = static_cast<double>(c);
  const double total = product + addend;
  const double part = total - product;
  const double error = (product - (total - part)) + (addend - part);
  auto bits = std::bit_cast<std::int64_t>(total);
  if ((error < 0 || error > 0) && (bits & 1) == 0) bits += (error > 0) == (total > 0) ? 1 : -1;
  return static_cast<float>(std::bit_cast<double>(bits));
}

}  // namespace
}  // namespace intaglio
