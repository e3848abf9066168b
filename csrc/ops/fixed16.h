// gemmlowp's functions of 16-bit fixed-point numbers, as docs/arithmetic.md defines them for `lstm`. Numbers are held
// in 32 bits; products of two, and their sums here, fit.
#pragma once

#include <algorithm>
#include <cstdint>

namespace intaglio::fixed16 {

inline constexpr std::int32_t kOne = 32767;

constexpr std::int32_t saturated(std::int64_t x) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(x, -32768, 32767));
}

constexpr std::int64_t rdivpot(std::int64_t x, int exponent) {
  const std::int64_t mask = (std::int64_t{1} << exponent) - 1;
  return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0) ? 1 : 0);
}

// mbqm of docs/arithmetic.md.
constexpr std::int64_t mbqm(std::int64_t x, std::int32_t multiplier, std::int32_t shift) {
  const std::int64_t shifted = shift > 0 ? x * (std::int64_t{1} << shift) : x;
  return rdivpot((shifted * multiplier + (std::int64_t{1} << 30)) >> 31, shift < 0 ? -shift : 0);
}

constexpr std::int32_t product(std::int32_t a, std::int32_t b) { return (a * b + (1 << 14)) >> 15; }

// A number of 31 fraction bits with 15.
constexpr std::int32_t constant(std::int64_t raw) { return saturated(rdivpot(raw, 16)); }

// exp(a) in Q0.15 for a in [-1/4, 0).
constexpr std::int32_t exp_last_quarter(std::int32_t a) {
  constexpr std::int32_t kCentre = constant(1895147668), kThird = constant(715827883);
  const std::int32_t x = a + (1 << 12);
  const std::int32_t x2 = product(x, x), x3 = product(x2, x), x4 = product(x2, x2);
  const auto quarter = static_cast<std::int32_t>(rdivpot(x4, 2));
  const auto terms = static_cast<std::int32_t>(rdivpot(product(quarter + x3, kThird) + x2, 1));
  return saturated(kCentre + product(kCentre, x + terms));
}

// exp(a) in Q0.15 for a <= 0 with `bits` integer bits, at most 7.
constexpr std::int32_t exp_on_negative(std::int32_t a, int bits) {
  // exp(-1/4), exp(-1/2), exp(-1) and on to exp(-16).
  constexpr std::int32_t kPowers[] = {constant(1672461947), constant(1302514674), constant(790015084),
                                      constant(290630308),  constant(39332535),   constant(720401),
                                      constant(242)};
  const int fraction_bits = 15 - bits;
  const std::int32_t quarter = 1 << (fraction_bits - 2);
  const std::int32_t fraction = (a & (quarter - 1)) - quarter;
  std::int32_t result = exp_last_quarter(fraction * (1 << bits));
  const std::int32_t remainder = fraction - a;
  for (int exponent = -2; exponent < std::min(bits, 5); ++exponent) {
    if ((remainder >> (fraction_bits + exponent)) & 1) result = product(result, kPowers[exponent + 2]);
  }
  if (bits > 5 && a < -(32 << fraction_bits)) return 0;
  return a == 0 ? kOne : result;
}

// 2 / (1 + a) in Q2.13 for a in Q0.15, not negative.
constexpr std::int32_t reciprocal(std::int32_t a) {
  const std::int32_t half = (a + kOne + 1) / 2;
  std::int32_t x = constant(1515870810) + product(half, constant(-1010580540));
  for (int step = 0; step < 3; ++step) x += saturated(4 * product(x, (1 << 13) - product(half, x)));
  return x;
}

// Of Q3.12, in Q0.15.
constexpr std::int32_t logistic(std::int32_t a) {
  if (a == 0) return 1 << 14;
  const std::int32_t value = saturated(2 * reciprocal(exp_on_negative(a > 0 ? -a : a, 3)));
  return a > 0 ? value : kOne - value;
}

// Of a number with `bits` integer bits, at most 6, in Q0.15.
constexpr std::int32_t tanh(std::int32_t a, int bits) {
  if (a == 0) return 0;
  const std::int32_t value = saturated(4 * (reciprocal(exp_on_negative(a > 0 ? -a : a, bits + 1)) - (1 << 13)));
  return a < 0 ? -value : value;
}

}  // namespace intaglio::fixed16
