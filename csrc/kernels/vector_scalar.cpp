// Vector kernels in portable C++: one lane at a time.
#include "kernels/rounding_scalar.h"
#include "kernels/scalar_fma.h"
#include "kernels/vector_table.h"

namespace intaglio {
namespace {

struct Scalar {
  static constexpr std::size_t kLanes = 1, kBytes = 4;
  // The bits of an int32. GCC 12 vectorizes sums of signed lanes wrongly where each step casts to unsigned and back.
  using I = std::uint32_t;
  using F = float;
  struct B {
    std::uint8_t at[kBytes];
  };

  static constexpr std::int32_t value(I x) { return static_cast<std::int32_t>(x); }
  static constexpr I bits(std::int32_t x) { return static_cast<I>(x); }

  static B set_bytes(std::uint8_t x) { return {{x, x, x, x}}; }
  static B load_bytes(const std::uint8_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
  static B load_bytes(const std::uint8_t* p, std::size_t n) {
    B b = {};
    for (std::size_t i = 0; i < n; ++i) b.at[i] = p[i];
    return b;
  }
  static void store_bytes(std::uint8_t* p, B b, std::size_t n = kBytes) {
    for (std::size_t i = 0; i < n; ++i) p[i] = b.at[i];
  }
  static constexpr std::size_t kTriples = 1;
  static void store_triples(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c, std::uint8_t* y) {
    y[0] = *a;
    y[1] = *b;
    y[2] = *c;
  }
  static B max_bytes(B a, B b) {
    for (std::size_t i = 0; i < kBytes; ++i) a.at[i] = a.at[i] > b.at[i] ? a.at[i] : b.at[i];
    return a;
  }
  static B min_bytes(B a, B b) {
    for (std::size_t i = 0; i < kBytes; ++i) a.at[i] = a.at[i] < b.at[i] ? a.at[i] : b.at[i];
    return a;
  }

  static I set(std::int32_t x) { return bits(x); }
  static I load(const std::int32_t* p) { return bits(*p); }
  static I load_u8(const std::uint8_t* p) { return *p; }
  static I add(I a, I b) { return a + b; }
  static I sub(I a, I b) { return a - b; }
  static I mul(I a, I b) { return a * b; }
  static I bit_xor(I a, I b) { return a ^ b; }
  static I shift_left(I x, int count) { return x << count; }
  static I shift_right(I x, int count) { return bits(value(x) >> count); }
  static I sign(I x) { return bits(value(x) >> 31); }
  static I greater(I a, I b) { return value(a) > value(b) ? ~I{0} : 0; }
  template <bool kSigned>
  class Fixed {
   public:
    Fixed(I multiplier, I shift, bool once) : multiplier_(value(multiplier)), shift_(value(shift)), once_(once) {}
    I operator()(I x) const { return bits(round_fixed(value(x), multiplier_, shift_, once_)); }

   private:
    std::int32_t multiplier_, shift_;
    bool once_;
  };

  static F set_float(float x) { return x; }
  static F load_float(const float* p) { return *p; }
  static void store_float(float* p, F x) { *p = x; }
  static F to_float(I x) { return static_cast<float>(value(x)); }
  // For |x| <= 2^22: 1.5 * 2^23 leaves no bits below the point, so the sum's own rounding (half to even) is the result.
  static I round(F x) { return __builtin_bit_cast(I, x + 12582912.0F) - __builtin_bit_cast(I, 12582912.0F); }
  static I truncate(F x) { return bits(static_cast<std::int32_t>(x)); }
  static F multiply(F a, F b) { return a * b; }
  static F divide(F a, F b) { return a / b; }
  static F subtract(F a, F b) { return a - b; }
  static F fma(F a, F b, F c) { return scalar_fma(a, b, c); }
  static F maximum(F a, F b) { return a > b ? a : b; }
  static F minimum(F a, F b) { return a < b ? a : b; }
  static F or_zero(F x) { return x == x ? x : 0.0F; }

  static std::uint8_t saturate(I x) {
    const std::int32_t v = value(x);
    return static_cast<std::uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
  }
  static B pack(I a, I b, I c, I d) { return {{saturate(a), saturate(b), saturate(c), saturate(d)}}; }
  static I part(B b, std::size_t k) { return b.at[k]; }
  static B join(I a, I b, I c, I d) { return pack(a, b, c, d); }
  static I sum_bytes(I total, B b) {
    for (const std::uint8_t byte : b.at) total += byte;
    return total;
  }
  static std::int32_t sum(I x) { return value(x); }

  class Table {
   public:
    explicit Table(const std::uint8_t* entries) : entries_(entries) {}
    B look_up(B x) const { return {{entries_[x.at[0]], entries_[x.at[1]], entries_[x.at[2]], entries_[x.at[3]]}}; }

   private:
    const std::uint8_t* entries_;
  };
};

}  // namespace

extern const VectorKernels vector_scalar;
constexpr VectorKernels vector_scalar = INTAGLIO_VECTOR_KERNELS(Scalar, "scalar");

}  // namespace intaglio
