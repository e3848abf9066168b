#include "base/text.h"

#include <cstdint>

namespace intaglio {
namespace {

class Writer {
 public:
  Writer(char* out, std::size_t size) : out_(out), room_(size - 1) {}

  void put(char c) {
    if (used_ < room_) out_[used_++] = c;
  }
  void put(const char* text, int most) {
    for (int i = 0; i != most && text[i] != '\0'; ++i) put(text[i]);
  }
  void put_number(std::uint64_t value, unsigned base, int digits = 1) {
    char reversed[20];
    int count = 0;
    for (; value != 0 || count < digits; value /= base) reversed[count++] = "0123456789abcdef"[value % base];
    while (count > 0) put(reversed[--count]);
  }
  void put_signed(std::int64_t value) {
    if (value < 0) put('-');
    put_number(value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), 10);
  }
  void put_real(double value);

  std::size_t end() {
    out_[used_] = '\0';
    return used_;
  }

 private:
  void put_digits(std::uint32_t digits, int exponent);

  char* const out_;
  const std::size_t room_;
  std::size_t used_ = 0;
};

constexpr int kDigits = 6;  // that %g shows
constexpr std::uint32_t kLowest = 100000, kBeyond = 1000000;
constexpr int kExactPower = 22;  // the highest power of ten that is a double

// value * 10^power, rounded once where the power is a double.
double scaled(double value, int power) {
  for (; power != 0;) {
    const bool up = power > 0;
    const int step = (up ? power : -power) < kExactPower ? (up ? power : -power) : kExactPower;
    double ten = 1;
    for (int i = 0; i < step; ++i) ten *= 10;
    value = up ? value * ten : value / ten;
    power -= up ? step : -step;
  }
  return value;
}

// To the nearest, ties to even; value in [0, 2^31).
std::uint32_t rounded(double value) {
  const auto whole = static_cast<std::uint32_t>(value);
  const double rest = value - whole;
  return whole + (rest > 0.5 || (rest == 0.5 && whole % 2 != 0) ? 1 : 0);
}

void Writer::put_real(double value) {
  if (__builtin_signbit(value)) put('-');
  if (value < 0) value = -value;
  if (value != value) return put("nan", -1);
  if (value > 1.7976931348623157e308) return put("inf", -1);
  if (value == 0) return put('0');
  int exponent = 0;
  for (double high = value; high >= 10; high /= 10) ++exponent;
  for (double low = value; low < 1; low *= 10) --exponent;
  std::uint32_t digits = rounded(scaled(value, kDigits - 1 - exponent));
  if (digits < kLowest) digits = rounded(scaled(value, kDigits - 1 - --exponent));
  if (digits >= kBeyond) digits = rounded(scaled(value, kDigits - 1 - ++exponent));
  put_digits(digits, exponent);
}

void Writer::put_digits(std::uint32_t digits, int exponent) {
  char text[kDigits];
  int count = kDigits;
  for (int i = kDigits; i-- > 0; digits /= 10) text[i] = static_cast<char>('0' + digits % 10);
  while (text[count - 1] == '0') --count;
  const bool fixed = exponent >= -4 && exponent < kDigits;
  const int before = fixed ? exponent + 1 : 1;  // digits before the point
  if (before <= 0) put("0.0000", 2 - before);
  for (int i = 0; i < count || i < before; ++i) {
    if (i == before && i > 0) put('.');
    put(i < count ? text[i] : '0');
  }
  if (fixed) return;
  put('e');
  put(exponent < 0 ? '-' : '+');
  put_number(static_cast<std::uint64_t>(exponent < 0 ? -exponent : exponent), 10, 2);
}

}  // namespace

std::size_t write_text(char* out, std::size_t size, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const std::size_t written = write_text_from(out, size, format, arguments);
  va_end(arguments);
  return written;
}

std::size_t write_text_from(char* out, std::size_t size, const char* format, std::va_list arguments) {
  Writer writer(out, size);
  for (const char* at = format; *at != '\0'; ++at) {
    if (*at != '%') {
      writer.put(*at);
      continue;
    }
    int most = -1;
    if (*++at == '.') {
      most = 0;
      if (*++at == '*') {
        most = va_arg(arguments, int);
        ++at;
      }
      for (; *at >= '0' && *at <= '9'; ++at) most = 10 * most + (*at - '0');
    }
    std::size_t bytes = sizeof(int);
    if (*at == 'z') {
      bytes = sizeof(std::size_t);
      ++at;
    } else if (*at == 'l') {
      bytes = at[1] == 'l' ? sizeof(long long) : sizeof(long);
      at += at[1] == 'l' ? 2 : 1;
    }
    const auto number = [&]() -> std::uint64_t {
      return bytes == sizeof(std::uint64_t) ? va_arg(arguments, std::uint64_t) : va_arg(arguments, std::uint32_t);
    };
    switch (*at) {
      case 's':
        writer.put(va_arg(arguments, const char*), most);
        break;
      case 'd':
        writer.put_signed(bytes == sizeof(std::int64_t) ? va_arg(arguments, std::int64_t)
                                                        : va_arg(arguments, std::int32_t));
        break;
      case 'u':
        writer.put_number(number(), 10);
        break;
      case 'x':
        writer.put_number(number(), 16);
        break;
      case 'p':
        writer.put("0x", -1);
        writer.put_number(reinterpret_cast<std::uintptr_t>(va_arg(arguments, void*)), 16);
        break;
      case 'g':
        writer.put_real(va_arg(arguments, double));
        break;
      default:
        writer.put(*at);
    }
  }
  return writer.end();
}

}  // namespace intaglio
