// Depthwise convolution on any CPU: two rows to a cell, four channels to a vector.
#include <cstring>

#include "kernels/depthwise_impl.h"

namespace intaglio {
namespace {

struct Scalar {
  static constexpr int kSitesInRuns = 0;
  static constexpr std::size_t kGroupRows = 2;
  static constexpr int kLanes = 4;
  static constexpr int kSites = 2;
  struct Vector {
    std::int32_t lane[kLanes];
  };
  using Sum = Vector;
  struct Bytes {
    std::uint8_t byte[kVectors * kLanes];
  };

  static INTAGLIO_INLINE Vector load(const void* address) {
    Vector vector;
    std::memcpy(&vector, address, sizeof(vector));
    return vector;
  }

  static INTAGLIO_INLINE Sum dot(Sum sum, Vector cells, Vector weights) {
    std::int16_t x[2 * kLanes];
    std::int16_t w[2 * kLanes];
    std::memcpy(x, &cells, sizeof(x));
    std::memcpy(w, &weights, sizeof(w));
    for (int i = 0; i < kLanes; ++i) {
      const std::int32_t products = x[2 * i] * w[2 * i] + x[2 * i + 1] * w[2 * i + 1];
      sum.lane[i] =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(sum.lane[i]) + static_cast<std::uint32_t>(products));
    }
    return sum;
  }

  static INTAGLIO_INLINE void interleave(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    std::uint16_t values[2 * kNarrow];
    for (std::size_t i = 0; i < kNarrow; ++i) {
      values[2 * i] = rows[0][at + i];
      values[2 * i + 1] = rows[1][at + i];
    }
    std::memcpy(cells, values, sizeof(values));
  }
  static INTAGLIO_INLINE void interleave_narrow(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    interleave(rows, at, cells);
  }

  // Beyond +-1024 every value clamps alike. Adding 1.5 * 2^23 leaves no bits for a fraction: the sum is rounded to the
  // nearest integer, ties to even, and its low mantissa bits are that integer.
  static INTAGLIO_INLINE Vector scaled(Vector sum, const float* scale) {
    constexpr float kMagic = 12582912.0F;
    Vector rounded;
    for (int i = 0; i < kLanes; ++i) {
      float value = static_cast<float>(sum.lane[i]) * scale[i];
      value = value < -1024.0F ? -1024.0F : value;
      value = value > 1024.0F ? 1024.0F : value;
      const float shifted = value + kMagic;
      std::int32_t bits;
      std::memcpy(&bits, &shifted, sizeof(bits));
      rounded.lane[i] = bits - 0x4B400000;
    }
    return rounded;
  }

  static INTAGLIO_INLINE Vector multiplied(Vector sum, Vector multiplier, Vector shift) {
    for (int i = 0; i < kLanes; ++i) {
      const int left = shift.lane[i] > 0 ? shift.lane[i] : 0;
      const int right = shift.lane[i] < 0 ? -shift.lane[i] : 0;
      const auto a = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum.lane[i]) << left);
      const auto high =
          static_cast<std::int32_t>((static_cast<std::int64_t>(a) * multiplier.lane[i] + (1LL << 30)) >> 31);
      const auto mask = static_cast<std::int32_t>((1U << right) - 1);
      const std::int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
      sum.lane[i] = (high >> right) + ((high & mask) > threshold ? 1 : 0);
    }
    return sum;
  }

  static INTAGLIO_INLINE Bytes narrow(Vector v0, Vector v1, Vector v2, Vector v3,
                                      const Requantization& requantization) {
    const Vector vectors[kVectors] = {v0, v1, v2, v3};
    Bytes bytes;
    for (int i = 0; i < kVectors * kLanes; ++i) {
      const std::int64_t value = std::int64_t{vectors[i / kLanes].lane[i % kLanes]} + requantization.zero_point;
      const std::int64_t raised = value < requantization.low ? requantization.low : value;
      bytes.byte[i] = static_cast<std::uint8_t>(raised > requantization.high ? requantization.high : raised);
    }
    return bytes;
  }

  static INTAGLIO_INLINE void store(std::uint8_t* out, const Bytes& bytes) { std::memcpy(out, &bytes, sizeof(bytes)); }
  static INTAGLIO_INLINE void store_some(std::uint8_t* out, const Bytes& bytes, std::size_t count) {
    std::memcpy(out, &bytes, count);
  }
};

}  // namespace

extern const DepthwiseKernels depthwise_u8s16_scalar;
constexpr DepthwiseKernels depthwise_u8s16_scalar = depthwise_kernels<Scalar>("depthwise_u8s16_scalar");

}  // namespace intaglio
