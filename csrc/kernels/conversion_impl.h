// Loops between element types, and resampling.
#pragma once

#include "kernels/vector_impl.h"

namespace intaglio {
namespace {

template <class V, bool kFixed>
void requantize(const std::int32_t* acc, const ScalarRequantization& requantization, std::uint8_t* y,
                std::size_t count) {
  const Requantize<V, kFixed> convert(requantization);
  store_blocks<V>(y, count, [&](std::size_t i) INTAGLIO_LAMBDA {
    return pack_lanes<V>([&](std::size_t k) INTAGLIO_LAMBDA { return convert(V::load(acc + i + k * V::kLanes)); });
  });
}

// y = round(x / scale) + zero of kBytes floats. Beyond 512 every quotient is clamped, and int32 holds it.
template <class V, bool kHalfAway>
INTAGLIO_INLINE typename V::B quantize_block(const float* x, typename V::F scale, typename V::I zero) {
  return pack_lanes<V>([&](std::size_t k) INTAGLIO_LAMBDA {
    const typename V::F quotient = V::or_zero(V::divide(V::load_float(x + k * V::kLanes), scale));
    const typename V::F bounded = V::minimum(V::maximum(quotient, V::set_float(-512)), V::set_float(512));
    if constexpr (!kHalfAway) return V::add(V::round(bounded), zero);
    // The truncated part and the doubled rest are exact, and the rest truncates to the step away from zero.
    const typename V::I whole = V::truncate(bounded);
    const typename V::F rest = V::subtract(bounded, V::to_float(whole));
    return V::add(V::add(whole, V::truncate(V::multiply(rest, V::set_float(2)))), zero);
  });
}

template <class V, bool kHalfAway>
void quantize(const float* x, float scale, std::int32_t zero, std::uint8_t* y, std::size_t count) {
  const typename V::F scales = V::set_float(scale);
  const typename V::I zeros = V::set(zero);
  alignas(64) float rest[V::kBytes];
  store_blocks<V>(y, count, [&](std::size_t i) INTAGLIO_LAMBDA {
    const float* block = x + i;
    if (count - i < V::kBytes) {
      for (float& value : rest) value = 0;
      __builtin_memcpy(rest, block, (count - i) * sizeof(float));
      block = rest;
    }
    return quantize_block<V, kHalfAway>(block, scales, zeros);
  });
}

template <class V>
void dequantize(const std::uint8_t* x, float scale, std::int32_t zero, float* y, std::size_t count) {
  const typename V::F scales = V::set_float(scale);
  const typename V::I zeros = V::set(zero);
  const auto convert = [&](std::size_t i) INTAGLIO_LAMBDA {
    return V::multiply(V::to_float(V::sub(V::load_u8(x + i), zeros)), scales);
  };
  std::size_t i = 0;
  for (; i + V::kLanes <= count; i += V::kLanes) V::store_float(y + i, convert(i));
  if (i == count) return;
  alignas(64) float rest[V::kLanes];
  V::store_float(rest, convert(i));
  __builtin_memcpy(y + i, rest, (count - i) * sizeof(float));
}

// docs/arithmetic.md, resize_bilinear, on stored values, by weights whose products have kBits bits. Half up, or half
// away from zero of the int8 sum: a sum one less before the shift where that sum is not positive.
template <class V, int kBits, bool kHalfAway>
void bilinear(const Corners& corners, std::uint8_t* y, std::size_t channels) {
  const typename V::I zero = V::set(128 << kBits);
  const typename V::I half = V::set((1 << (kBits - 1)) - (kHalfAway ? 1 : 0));
  store_blocks<V>(y, channels, [&](std::size_t c) INTAGLIO_LAMBDA {
    const typename V::B x[] = {V::load_bytes(corners.x[0] + c), V::load_bytes(corners.x[1] + c),
                               V::load_bytes(corners.x[2] + c), V::load_bytes(corners.x[3] + c)};
    return join_lanes<V>([&](std::size_t k) INTAGLIO_LAMBDA {
      typename V::I acc = V::mul(V::part(x[0], k), V::set(corners.weight[0]));
      for (int i = 1; i < 4; ++i) acc = V::add(acc, V::mul(V::part(x[i], k), V::set(corners.weight[i])));
      const typename V::I rounded = V::add(acc, half);
      return V::shift_right(kHalfAway ? V::sub(rounded, V::greater(acc, zero)) : rounded, kBits);
    });
  });
}

}  // namespace
}  // namespace intaglio
