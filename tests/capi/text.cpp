// write_text() and snprintf(), side by side.
#include "base/text.h"

#include <cfloat>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>

namespace {

int failures = 0;

template <class... Values>
void compare(const char* format, Values... values) {
  for (const std::size_t size : {64u, 9u, 1u}) {
    char ours[64], theirs[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const std::size_t length = intaglio::write_text(ours, size, format, values...);
    std::snprintf(theirs, size, format, values...);
#pragma GCC diagnostic pop
    if (std::strcmp(ours, theirs) == 0 && length == std::strlen(theirs)) continue;
    std::printf("%s: expected '%s', got '%s'\n", format, theirs, ours);
    ++failures;
  }
}

void compare_reals() {
  const double special[] = {0.0,     -0.0,    1.0,     -1.0,     100000.0,    999999.5,     1e6,
                            1e-4,    9.99e-5, 0.5,     1.0 / 3,  123456789.0, 2e-45,        FLT_MAX,
                            DBL_MAX, DBL_MIN, 0x1p-10, INFINITY, -INFINITY,   std::nan(""), -std::nan("")};
  for (const double value : special) compare("%g", value);
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    compare("%g", static_cast<double>(value));
    compare("(%g)", static_cast<double>(random() % 2000000) / 64);
  }
}

}  // namespace

int main() {
  compare("%s|%.2s|%.*s|%%", "abc", "abcdef", 3, "abcdef");
  compare("%d %u %x", std::numeric_limits<int>::min(), ~0u, 0xBEEFu);
  compare("%" PRId64 " %" PRIu32 " %zu", INT64_MIN, UINT32_MAX, SIZE_MAX);
  compare("%lld %llu %ld", -1LL, ~0ULL, 5L);
  compare("%p", reinterpret_cast<void*>(0x1234));
  compare_reals();
  return failures != 0;
}
