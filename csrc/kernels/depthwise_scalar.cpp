// Depthwise convolution on any CPU: position by position where weights may stay as they are, otherwise two rows to a
// cell and four channels to a vector.
#include <cstring>

#include "kernels/depthwise_impl.h"
#include "kernels/rounding_scalar.h"

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
  using Cells = Vector;
  static INTAGLIO_INLINE Cells load_cells(const void* address) { return load(address); }

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

  template <bool kBounded>
  class Float32 {
   public:
    INTAGLIO_INLINE Float32(const Requantization& r, std::size_t channel) : scale_(r.scale + channel) {}
    INTAGLIO_INLINE Vector operator()(Vector sum) const {
      for (int i = 0; i < kLanes; ++i) sum.lane[i] = round_float32(sum.lane[i], scale_[i]);
      return sum;
    }

   private:
    const float* scale_;
  };

  template <bool kSigned>
  class Fixed {
   public:
    INTAGLIO_INLINE Fixed(const Requantization& r, std::size_t channel)
        : multiplier_(r.multiplier + channel), shift_(r.shift + channel) {}
    INTAGLIO_INLINE Vector operator()(Vector sum) const {
      for (int i = 0; i < kLanes; ++i) sum.lane[i] = round_fixed(sum.lane[i], multiplier_[i], shift_[i], false);
      return sum;
    }

   private:
    const std::int32_t *multiplier_, *shift_;
  };

  class Narrow {
   public:
    explicit INTAGLIO_INLINE Narrow(const Requantization& requantization) : requantization_(requantization) {}
    template <Narrowing>
    INTAGLIO_INLINE Bytes bytes(Vector v0, Vector v1, Vector v2, Vector v3) const {
      const Vector vectors[kVectors] = {v0, v1, v2, v3};
      Bytes bytes;
      for (int i = 0; i < kVectors * kLanes; ++i) {
        bytes.byte[i] = stored_byte(vectors[i / kLanes].lane[i % kLanes], requantization_);
      }
      return bytes;
    }

   private:
    const Requantization& requantization_;
  };

  static INTAGLIO_INLINE void store(std::uint8_t* out, const Bytes& bytes) { std::memcpy(out, &bytes, sizeof(bytes)); }
  static INTAGLIO_INLINE void store_some(std::uint8_t* out, const Bytes& bytes, std::size_t count) {
    std::memcpy(out, &bytes, count);
  }
};

// Sums wrap modulo 2^32, hence unsigned.
template <std::size_t kChannels>
INTAGLIO_INLINE void run_channels(const DepthwiseDirect& work, std::size_t channel) {
  std::uint32_t sums[kChannels];
  for (std::size_t i = 0; i < kChannels; ++i) sums[i] = static_cast<std::uint32_t>(work.bias[channel + i]);
  const std::int8_t* w = work.weights + channel;
  for (std::size_t tap = 0; tap < work.tap_count; ++tap, w += work.channels) {
    const std::uint8_t* const x = work.taps[tap] + channel;
    for (std::size_t i = 0; i < kChannels; ++i) sums[i] += static_cast<std::uint32_t>(x[i] * w[i]);
  }
  const Requantization& r = work.requantization;
  for (std::size_t i = 0; i < kChannels; ++i) {
    const std::size_t c = channel + i;
    const auto sum = static_cast<std::int32_t>(sums[i]);
    work.out[c] = stored_byte(
        r.scale != nullptr ? round_float32(sum, r.scale[c]) : round_fixed(sum, r.multiplier[c], r.shift[c], false), r);
  }
}

void run_direct(const DepthwiseDirect& work) {
  constexpr std::size_t kTogether = 4;
  std::size_t channel = 0;
  for (; channel + kTogether <= work.channels; channel += kTogether) run_channels<kTogether>(work, channel);
  for (; channel < work.channels; ++channel) run_channels<1>(work, channel);
}

constexpr DepthwiseKernels with_direct(DepthwiseKernels kernels) {
  kernels.direct = run_direct;
  return kernels;
}

}  // namespace

extern const DepthwiseKernels depthwise_u8s16_scalar;
constexpr DepthwiseKernels depthwise_u8s16_scalar = with_direct(depthwise_kernels<Scalar>("depthwise_u8s16_scalar"));

}  // namespace intaglio
