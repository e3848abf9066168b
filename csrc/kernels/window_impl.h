// Loops that reduce a window of positions to one, for many channels at a time or along a contiguous run.
#pragma once

#include "kernels/vector_impl.h"

namespace intaglio {
namespace {

// Calls visit(address) for each position of the window.
template <class Visit>
INTAGLIO_INLINE void for_each_position(const std::uint8_t* x, const Window& window, const Visit& visit) {
  for (std::size_t i = 0; i < window.count[0]; ++i, x += window.stride[0]) {
    const std::uint8_t* second = x;
    for (std::size_t j = 0; j < window.count[1]; ++j, second += window.stride[1]) {
      const std::uint8_t* third = second;
      for (std::size_t k = 0; k < window.count[2]; ++k, third += window.stride[2]) {
        const std::uint8_t* fourth = third;
        for (std::size_t l = 0; l < window.count[3]; ++l, fourth += window.stride[3]) visit(fourth);
      }
    }
  }
}

template <class V>
void max_pool(const std::uint8_t* x, const Window& window, std::uint8_t low, std::uint8_t high, std::uint8_t* y,
              std::size_t channels) {
  const typename V::B lows = V::set_bytes(low), highs = V::set_bytes(high);
  store_blocks<V>(y, channels, [&](std::size_t c) INTAGLIO_LAMBDA {
    typename V::B best = V::set_bytes(0);
    for_each_position(x + c, window, [&](const std::uint8_t* position) INTAGLIO_LAMBDA {
      best = V::max_bytes(best, V::load_bytes(position));
    });
    return clamp_bytes<V>(best, lows, highs);
  });
}

// y[c] = finish(sum over the window of x[position + c]).
template <class V, class Finish>
INTAGLIO_INLINE void sum_pool(const std::uint8_t* x, const Window& window, std::uint8_t* y, std::size_t channels,
                              typename V::B low, typename V::B high, const Finish& finish) {
  store_blocks<V>(y, channels, [&](std::size_t c) INTAGLIO_LAMBDA {
    typename V::I first = V::set(0), second = first, third = first, fourth = first;
    for_each_position(x + c, window, [&](const std::uint8_t* position) INTAGLIO_LAMBDA {
      first = V::add(first, V::load_u8(position));
      second = V::add(second, V::load_u8(position + V::kLanes));
      third = V::add(third, V::load_u8(position + 2 * V::kLanes));
      fourth = V::add(fourth, V::load_u8(position + 3 * V::kLanes));
    });
    return clamp_bytes<V>(V::pack(finish(first), finish(second), finish(third), finish(fourth)), low, high);
  });
}

// The sum of `count` stored bytes becomes the stored average. float32 gives the quotient to within one (its three
// roundings are off by less than 2^-14 for a quotient below 256), and the remainder tells which.
template <class V, bool kHalfAway>
class Average {
 public:
  explicit INTAGLIO_INLINE Average(std::int32_t count)
      : count_(V::set(count)),
        last_(V::set(count - 1)),
        half_(V::set(count / 2)),
        offset_(V::set(128)),
        inverse_(V::set_float(1.0F / static_cast<float>(count))) {}
  INTAGLIO_INLINE typename V::I operator()(typename V::I sum) const {
    if constexpr (kHalfAway) {
      const typename V::I acc = V::sub(sum, V::mul(count_, offset_));
      const typename V::I negative = V::sign(acc);
      const typename V::I magnitude = V::sub(V::bit_xor(acc, negative), negative);
      const typename V::I quotient = divide(V::add(magnitude, half_));
      return V::add(V::sub(V::bit_xor(quotient, negative), negative), offset_);
    } else {
      return divide(V::add(sum, half_));
    }
  }

 private:
  INTAGLIO_INLINE typename V::I divide(typename V::I numerator) const {
    const typename V::I guess = V::truncate(V::multiply(V::to_float(numerator), inverse_));
    const typename V::I remainder = V::sub(numerator, V::mul(guess, count_));
    return V::sub(V::add(guess, V::sign(remainder)), V::greater(remainder, last_));
  }

  typename V::I count_, last_, half_, offset_;
  typename V::F inverse_;
};

template <class V, bool kHalfAway>
void average_pool(const std::uint8_t* x, const Window& window, const AveragePoolParameters& parameters, std::uint8_t* y,
                  std::size_t channels) {
  sum_pool<V>(x, window, y, channels, V::set_bytes(parameters.low), V::set_bytes(parameters.high),
              Average<V, kHalfAway>(parameters.count));
}

template <class V, bool kFixed>
void mean(const std::uint8_t* x, const Window& window, const ScalarRequantization& requantization, std::uint8_t* y,
          std::size_t channels) {
  sum_pool<V>(x, window, y, channels, V::set_bytes(0), V::set_bytes(255), Requantize<V, kFixed>(requantization));
}

template <class V>
std::int32_t sum_runs(const std::uint8_t* x, const Window& window, std::size_t count) {
  typename V::I total = V::set(0);
  for_each_position(x, window, [&](const std::uint8_t* run) INTAGLIO_LAMBDA {
    std::size_t i = 0;
    for (; i + V::kBytes <= count; i += V::kBytes) total = V::sum_bytes(total, V::load_bytes(run + i));
    if (i < count) total = V::sum_bytes(total, V::load_bytes(run + i, count - i));
  });
  return V::sum(total);
}

template <class V>
std::uint8_t max_run(const std::uint8_t* x, std::size_t count) {
  typename V::B best = V::set_bytes(0);
  std::size_t i = 0;
  for (; i + V::kBytes <= count; i += V::kBytes) best = V::max_bytes(best, V::load_bytes(x + i));
  if (i < count) best = V::max_bytes(best, V::load_bytes(x + i, count - i));
  alignas(64) std::uint8_t lanes[V::kBytes];
  V::store_bytes(lanes, best);
  std::uint8_t largest = 0;
  for (const std::uint8_t lane : lanes) largest = lane > largest ? lane : largest;
  return largest;
}

}  // namespace
}  // namespace intaglio
