// The functions of docs/arithmetic.md, "Float32", in float64. Without branches but in sin and cos, so that loops over
// them become vectors. Included by one file per instruction set, in whose anonymous namespace everything lives.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/vector_impl.h"

namespace intaglio {
namespace {

constexpr double kInfinity = __builtin_inf();
constexpr double kSqrtHalf = 0.7071067811865476;
constexpr double kLn2 = 0.6931471805599453;
// Added to a number below 2^51 in magnitude, leaves its nearest integer in the low bits.
constexpr double kRounder = 0x1.8p52;

template <std::size_t N>
struct Coefficients {
  double at[N];
};

// 1 / (first + i)!
template <std::size_t N>
constexpr Coefficients<N> inverse_factorials(int first) {
  Coefficients<N> c = {};
  double factorial = 1;
  for (int i = 1; i <= first; ++i) factorial *= i;
  for (std::size_t i = 0; i < N; ++i) {
    c.at[i] = 1 / factorial;
    factorial *= static_cast<double>(first) + static_cast<double>(i) + 1;
  }
  return c;
}

// (-1)^i / (2i + first)!
template <std::size_t N>
constexpr Coefficients<N> alternating_inverse_factorials(int first) {
  const Coefficients<2 * N> all = inverse_factorials<2 * N>(first);
  Coefficients<N> c = {};
  for (std::size_t i = 0; i < N; ++i) c.at[i] = i % 2 == 0 ? all.at[2 * i] : -all.at[2 * i];
  return c;
}

// 1 / (2i + 1)
template <std::size_t N>
constexpr Coefficients<N> inverse_odd_numbers() {
  Coefficients<N> c = {};
  for (std::size_t i = 0; i < N; ++i) c.at[i] = 1 / (2 * static_cast<double>(i) + 1);
  return c;
}

// (-1)^i / (i! (2i + 1))
template <std::size_t N>
constexpr Coefficients<N> erf_coefficients() {
  Coefficients<N> c = {};
  double factorial = 1;
  for (std::size_t i = 0; i < N; ++i) {
    const auto n = static_cast<double>(i);
    c.at[i] = (i % 2 == 0 ? 1 : -1) / (factorial * (2 * n + 1));
    factorial *= n + 1;
  }
  return c;
}

constexpr auto kExp = inverse_factorials<11>(0);
constexpr auto kExpm1 = inverse_factorials<10>(1);
constexpr auto kLog = inverse_odd_numbers<11>();
constexpr auto kLog1p = inverse_odd_numbers<15>();
constexpr auto kErf = erf_coefficients<13>();
constexpr auto kSin = alternating_inverse_factorials<8>(1);
constexpr auto kCos = alternating_inverse_factorials<8>(0);
constexpr Coefficients<17> kErfc = {{
    1.2530080582697436,
    -0.13562110612520953,
    -0.04756229435718053,
    0.12964515875308516,
    -0.11927366323621366,
    0.06830802620856591,
    -0.02377051838208488,
    0.002529402581482413,
    0.0018887241119162773,
    -0.0007798786593440029,
    -0.00010533957862964983,
    0.00012516385390434209,
    5.475112141400697e-06,
    -1.9946713506162738e-05,
    -1.5032642161677744e-06,
    2.8566990513102446e-06,
    7.379225663046406e-07,
}};

template <std::size_t kFirst = 0, std::size_t N>
INTAGLIO_INLINE double horner(const Coefficients<N>& c, double x) {
  if constexpr (kFirst + 1 == N) {
    return c.at[kFirst];
  } else {
    return horner<kFirst + 1>(c, x) * x + c.at[kFirst];
  }
}

template <class T>
INTAGLIO_INLINE T limit(T x, T low, T high) {
  x = low > x ? low : x;
  return high < x ? high : x;
}

// x = k * ln 2 + rest, and 2^k.
struct ReducedExponent {
  double rest, power;
};
INTAGLIO_INLINE ReducedExponent reduce_exponent(double x) {
  const double u = limit(x, -200.0, 200.0);
  const double shifted = u * 1.4426950408889634 + kRounder;
  const double k = shifted - kRounder;
  const double rest = (u - k * 0.6931471803691238) - k * 1.9082149292705877e-10;
  return {rest, std::bit_cast<double>((std::bit_cast<std::uint64_t>(shifted) << 52) + 0x3FF0000000000000U)};
}

INTAGLIO_INLINE double exp(double x) {
  const ReducedExponent e = reduce_exponent(x);
  return horner(kExp, e.rest) * e.power;
}

INTAGLIO_INLINE double expm1(double x) {
  const ReducedExponent e = reduce_exponent(x);
  return (horner(kExpm1, e.rest) * e.rest) * e.power + (e.power - 1);
}

INTAGLIO_INLINE double log(double x) {
  const bool ordinary = x > 0 && x < kInfinity;
  const auto bits = std::bit_cast<std::uint64_t>(ordinary ? x : 1.0);
  constexpr std::uint64_t kOne = 0x3FF0000000000000U;
  const std::uint64_t biased = (bits - std::bit_cast<std::uint64_t>(kSqrtHalf) + kOne) >> 52;
  const double m = std::bit_cast<double>(bits - (biased << 52) + kOne);
  const auto e = static_cast<double>(static_cast<std::int32_t>(biased) - 1023);
  const double s = (m - 1) / (m + 1);
  const double result = e * kLn2 + (2 * s) * horner(kLog, s * s);
  const double beyond = x == 0 ? -kInfinity : x > 0 ? kInfinity : __builtin_nan("");
  return ordinary ? result : beyond;
}

// For x in [0, 1].
INTAGLIO_INLINE double log1p(double x) {
  const double s = x / (x + 2);
  return (2 * s) * horner(kLog1p, s * s);
}

// For z >= 0.
INTAGLIO_INLINE double erfc(double z) {
  const double v = limit(z, 0.0, 13.5);
  return exp(-(v * v)) * (horner(kErfc, (v - 3) / (v + 3)) / (2 * v + 1));
}

INTAGLIO_INLINE double erf(double x) {
  const double magnitude = __builtin_fabs(x);
  const double near = limit(magnitude, 0.0, 1.0);
  const double series = (near * 1.1283791670955126) * horner(kErf, near * near);
  const double far = 1 - erfc(magnitude);
  return __builtin_copysign(magnitude < 1 ? series : far, x);
}

// Bits 2^(e + 94) * 2 / pi modulo 2^96 of the binary fraction of 2 / pi.
struct Window96 {
  std::uint64_t high, low;  // 32 and 64 bits
};
INTAGLIO_INLINE Window96 two_over_pi(int e) {
  // 2^224 * 2 / pi, most significant word first, after a word of zeros.
  constexpr std::uint32_t kWords[] = {0,          0xA2F9836E, 0x4E441529, 0xFC2757D1,
                                      0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB};
  const int shift = 130 - e;  // of the 256 bits, to the right
  const int word = 7 - shift / 32, bit = shift % 32;
  const auto at = [&](int i) { return i < 0 ? std::uint64_t{0} : std::uint64_t{kWords[i]}; };
  const auto shifted = [&](int i) { return ((at(i - 1) << 32 | at(i)) >> bit) & 0xFFFFFFFFU; };
  return {shifted(word - 2), shifted(word - 1) << 32 | shifted(word)};
}

// x = quadrant * pi / 2 + rest.
struct Angle {
  std::uint64_t quadrant;  // modulo 4
  double rest;
};
INTAGLIO_INLINE Angle reduce_angle(float x) {
  const float magnitude = __builtin_fabsf(x);
  if (!(magnitude > 0.785F)) return {0, static_cast<double>(x)};
  const auto bits = std::bit_cast<std::uint32_t>(magnitude);
  const int exponent = static_cast<int>(bits >> 23) - 150;
  if (exponent > 104) return {0, __builtin_nan("")};
  const std::uint64_t m = (bits & 0x7FFFFFU) | 0x800000U;
  const Window96 window = two_over_pi(exponent);
  const std::uint64_t low = m * (window.low & 0xFFFFFFFFU);
  const std::uint64_t middle = m * (window.low >> 32) + (low >> 32);
  const std::uint64_t turns = middle + ((m * window.high) << 32);
  const std::uint64_t quadrant = (turns + (std::uint64_t{1} << 61)) >> 62;
  const double rest =
      static_cast<double>(static_cast<std::int64_t>(turns - (quadrant << 62))) * (3.141592653589793 * 0x1p-63);
  return x > 0 ? Angle{quadrant & 3, rest} : Angle{(4 - quadrant) & 3, -rest};
}

INTAGLIO_INLINE double sine_of(double r) { return horner(kSin, r * r) * r; }
INTAGLIO_INLINE double cosine_of(double r) { return horner(kCos, r * r); }

INTAGLIO_INLINE double sin(float x) {
  const Angle a = reduce_angle(x);
  const double wave = a.quadrant % 2 == 0 ? sine_of(a.rest) : cosine_of(a.rest);
  return a.quadrant >= 2 ? -wave : wave;
}

INTAGLIO_INLINE double cos(float x) {
  const Angle a = reduce_angle(x);
  const double wave = a.quadrant % 2 == 0 ? cosine_of(a.rest) : sine_of(a.rest);
  return a.quadrant == 1 || a.quadrant == 2 ? -wave : wave;
}

// Whether a number that is not negative is an integer or infinite.
INTAGLIO_INLINE bool is_whole(double magnitude) {
  return (magnitude >= 0x1p52) | ((magnitude + 0x1p52) - 0x1p52 == magnitude);
}

INTAGLIO_INLINE double pow(double a, double b) {
  const double magnitude = __builtin_fabs(a), exponent = __builtin_fabs(b);
  const bool whole = is_whole(exponent);
  const bool odd = whole & !is_whole(exponent * 0.5);
  const double power = magnitude == 1 ? 1.0 : exp(b * log(magnitude));
  const double signed_power = odd ? __builtin_copysign(power, a) : power;
  const bool undefined = (a < 0) & (magnitude < kInfinity) & !whole;
  const double defined = (undefined | (a != a) | (b != b)) ? __builtin_nan("") : signed_power;
  return ((a == 1) | (b == 0)) ? 1.0 : defined;
}

}  // namespace
}  // namespace intaglio
