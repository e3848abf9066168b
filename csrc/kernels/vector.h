// The kernels of everything that is no sum of products with weights: elementwise, windows, softmax, resampling,
// conversion. They see int8 values in storage form (value + 128), so zero points and clamps lie in [0, 255].
//
// Every kernel may read up to 63 bytes past the end of a run of bytes, and writes nothing past its end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intaglio {

// A kernel and its name, for people.
template <class Function>
struct Named {
  const char* name;
  Function run;
};

// Gemmlowp's doubly rounded multiplication (docs/arithmetic.md, "Requantization").
struct FixedMultiplier {
  std::int32_t multiplier = 0;
  std::int32_t shift = 0;
};

struct BinaryParameters {
  std::int32_t zero_a = 0, zero_b = 0, zero_y = 0;
  std::int32_t low = 0, high = 255;
  // add in float32 mode: y = clamp(((a * factor_a + b * factor_b + constant) >> shift) + zero_y), modulo 2^32 inside
  std::int32_t factor_a = 0, factor_b = 0, constant = 0, shift = 0;
  // add in scaled mode: y = clamp(round(fma(a - origin, scale_a, fma(b - origin, scale_b, term))) + origin)
  float scale_a = 0, scale_b = 0, term = 0;
  std::int32_t origin = 0;
  // add in fixed mode: operands, then the result; the sign of b is +1 or -1
  FixedMultiplier fixed_a, fixed_b, fixed_y;
  std::int32_t left_shift = 0, sign_b = 1;
  // mul: float32 mode by scale, fixed mode by fixed_y
  float scale = 0;
};

// A value for each element, or one for all.
struct BinaryOperand {
  const std::uint8_t* data;
  bool still;
};
// y[i] = f(a[i], b[i])
using BinaryFunction = void (*)(const BinaryParameters& parameters, BinaryOperand a, BinaryOperand b, std::uint8_t* y,
                                std::size_t count);

// y[i] = table[x[i]], table of 256 bytes. x and y may be the same.
using LookupFunction = void (*)(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::size_t count);

// The positions that are reduced to one: nested loops, outermost first. A loop that is not needed has count 1.
struct Window {
  static constexpr int kLoops = 4;
  std::size_t count[kLoops] = {1, 1, 1, 1};
  std::ptrdiff_t stride[kLoops] = {};  // bytes
};

// y[c] = max over the window of x[position + c], clamped to [low, high].
using MaxPoolFunction = void (*)(const std::uint8_t* x, const Window& window, std::uint8_t low, std::uint8_t high,
                                 std::uint8_t* y, std::size_t channels);

struct AveragePoolParameters {
  std::int32_t count = 1;  // positions in the window, fewer than 2^23
  std::uint8_t low = 0, high = 255;
};
using AveragePoolFunction = void (*)(const std::uint8_t* x, const Window& window,
                                     const AveragePoolParameters& parameters, std::uint8_t* y, std::size_t channels);

// Requantization with one set: y = clamp(round(acc * scale) + zero_y).
struct ScalarRequantization {
  std::int32_t bias = 0;  // added to acc
  float scale = 0;        // float32 mode
  FixedMultiplier fixed;  // fixed mode
  std::int32_t zero_y = 0;
};
// y[c] = requantize(sum over the window of x[position + c]).
using MeanFunction = void (*)(const std::uint8_t* x, const Window& window, const ScalarRequantization& requantization,
                              std::uint8_t* y, std::size_t channels);
// Sum over the window of `count` contiguous bytes each; below 2^31.
using SumFunction = std::int32_t (*)(const std::uint8_t* x, const Window& window, std::size_t count);
// y[i] = requantize(acc[i]); acc is readable up to the next multiple of 64 elements.
using RequantizeFunction = void (*)(const std::int32_t* acc, const ScalarRequantization& requantization,
                                    std::uint8_t* y, std::size_t count);

// y[3 * i + c] = x[c * stride + i]: images of three channels, from planes to pixels.
using InterleaveFunction = void (*)(const std::uint8_t* x, std::ptrdiff_t stride, std::uint8_t* y, std::size_t count);

// The largest byte; count > 0.
using MaxFunction = std::uint8_t (*)(const std::uint8_t* x, std::size_t count);

// The four corners and their weights in units of 2^-20; the weights are not negative and add up to 2^20.
struct Corners {
  const std::uint8_t* x[4];
  std::int32_t weight[4];
};
using BilinearFunction = void (*)(const Corners& corners, std::uint8_t* y, std::size_t channels);

using QuantizeFunction = void (*)(const float* x, float scale, std::int32_t zero, std::uint8_t* y, std::size_t count);
using DequantizeFunction = void (*)(const std::uint8_t* x, float scale, std::int32_t zero, float* y, std::size_t count);

struct VectorKernels {
  Named<BinaryFunction> add;
  Named<BinaryFunction> add_scaled;
  Named<BinaryFunction> add_fixed;
  Named<BinaryFunction> mul;
  Named<BinaryFunction> mul_fixed;
  Named<BinaryFunction> maximum;
  Named<BinaryFunction> minimum;
  Named<LookupFunction> lookup;
  Named<MaxPoolFunction> max_pool;
  Named<AveragePoolFunction> average_pool_half_away;
  Named<AveragePoolFunction> average_pool_half_up;
  Named<MeanFunction> mean;
  Named<MeanFunction> mean_fixed;
  Named<SumFunction> sum;
  Named<RequantizeFunction> requantize;
  Named<RequantizeFunction> requantize_fixed;
  Named<InterleaveFunction> interleave_3;
  Named<MaxFunction> max;
  Named<BilinearFunction> bilinear;
  Named<BilinearFunction> bilinear_fixed;
  Named<QuantizeFunction> quantize_half_even;
  Named<QuantizeFunction> quantize_half_away;
  Named<DequantizeFunction> dequantize;
};

}  // namespace intaglio
