// Loops over float32, for the compiler to make vectors of, and the table of one instruction set's kernels. Included by
// one file per instruction set, in whose anonymous namespace everything lives.
#pragma once

#include "kernels/float_math_impl.h"
#include "kernels/float_vector.h"

namespace intaglio {
namespace {

INTAGLIO_INLINE float narrowed(double x) { return static_cast<float>(x); }

INTAGLIO_INLINE float round_half_even(float x) {
  const float magnitude = __builtin_fabsf(x);
  const float rounded = __builtin_copysignf((magnitude + 0x1p23F) - 0x1p23F, x);
  return magnitude < 0x1p23F ? rounded : x;
}

// The functions of float_unary; `p` holds the numbers they take.
INTAGLIO_INLINE float identity(float x, const float*) { return x; }
INTAGLIO_INLINE float clip(float x, const float* p) { return limit(x, p[0], p[1]); }
INTAGLIO_INLINE float leaky_relu(float x, const float* p) {
  const float leak = x * p[0];
  return x < 0 ? leak : x;
}
INTAGLIO_INLINE float elu(float x, const float* p) {
  const float below = narrowed(static_cast<double>(p[0]) * expm1(x));
  return x < 0 ? below : x;
}
INTAGLIO_INLINE float hard_sigmoid(float x, const float* p) { return limit(p[0] * x + p[1], 0.0F, 1.0F); }
INTAGLIO_INLINE float sigmoid(float x, const float*) { return narrowed(1 / (1 + exp(-static_cast<double>(x)))); }
INTAGLIO_INLINE float tanh(float x, const float*) {
  const double e = expm1(2 * limit(__builtin_fabs(x), 0.0, 20.0));
  return narrowed(__builtin_copysign(e / (e + 2), x));
}
INTAGLIO_INLINE float exp(float x, const float*) { return narrowed(exp(static_cast<double>(x))); }
INTAGLIO_INLINE float log(float x, const float*) { return narrowed(log(static_cast<double>(x))); }
INTAGLIO_INLINE float sqrt(float x, const float*) { return __builtin_sqrtf(x); }
INTAGLIO_INLINE float reciprocal(float x, const float*) { return 1 / x; }
INTAGLIO_INLINE float abs(float x, const float*) { return __builtin_fabsf(x); }
INTAGLIO_INLINE float neg(float x, const float*) { return -x; }
INTAGLIO_INLINE float floor(float x, const float*) {
  const float rounded = round_half_even(x), below = rounded - 1;
  return __builtin_copysignf(rounded > x ? below : rounded, x);
}
INTAGLIO_INLINE float ceil(float x, const float*) {
  const float rounded = round_half_even(x), above = rounded + 1;
  return __builtin_copysignf(rounded < x ? above : rounded, x);
}
INTAGLIO_INLINE float round(float x, const float*) { return round_half_even(x); }
INTAGLIO_INLINE float erf(float x, const float*) { return narrowed(erf(static_cast<double>(x))); }
INTAGLIO_INLINE float gelu(float x, const float*) {
  const double u = limit(static_cast<double>(x), -19.0, kInfinity);
  const double tail = erfc(__builtin_fabs(u) * kSqrtHalf);
  const double rest = 2 - tail;
  return narrowed((0.5 * u) * (u < 0 ? tail : rest));
}
INTAGLIO_INLINE float gelu_tanh(float x, const float*) {
  const double u = limit(static_cast<double>(x), -19.0, kInfinity);
  return narrowed(u / (1 + exp(-((u * 1.5957691216057308) * (1 + 0.044715 * (u * u))))));
}
INTAGLIO_INLINE float silu(float x, const float*) {
  const double u = limit(static_cast<double>(x), -200.0, kInfinity);
  return narrowed(u / (1 + exp(-u)));
}
INTAGLIO_INLINE float hard_swish(float x, const float*) {
  const double u = limit(static_cast<double>(x), -3.0, kInfinity);
  return narrowed(u * limit(u + 3, 0.0, 6.0) / 6);
}
INTAGLIO_INLINE float softplus(float x, const float*) {
  return narrowed(limit(static_cast<double>(x), 0.0, kInfinity) + log1p(exp(-__builtin_fabs(x))));
}
INTAGLIO_INLINE float sin(float x, const float*) { return narrowed(sin(x)); }
INTAGLIO_INLINE float cos(float x, const float*) { return narrowed(cos(x)); }
INTAGLIO_INLINE float sign(float x, const float*) { return x > 0 ? 1.0F : x < 0 ? -1.0F : x; }

// The functions of two operands.
INTAGLIO_INLINE float add(float a, float b) { return a + b; }
INTAGLIO_INLINE float subtract(float a, float b) { return a - b; }
INTAGLIO_INLINE float multiply(float a, float b) { return a * b; }
INTAGLIO_INLINE float divide(float a, float b) { return a / b; }
INTAGLIO_INLINE float maximum(float a, float b) { return ((a > b) | (a != a)) ? a : b; }
INTAGLIO_INLINE float minimum(float a, float b) { return ((a < b) | (a != a)) ? a : b; }
INTAGLIO_INLINE float power(float a, float b) { return narrowed(pow(a, b)); }
INTAGLIO_INLINE float leak(float x, float slope) {
  const float product = x * slope;
  return x < 0 ? product : x;
}

// Loops over long functions take whole blocks, of as many elements as any vector has, so that the compiler makes one
// copy of a function, in vectors, and none for what is left: that is copied into a block.
constexpr std::size_t kBlock = 16;

template <float (*kFunction)(float, const float*)>
__attribute__((noinline)) void unary_blocks(const float* __restrict x, const float* __restrict parameters,
                                            float* __restrict y, std::size_t blocks) {
  for (; blocks != 0; --blocks, x += kBlock, y += kBlock) {
    for (std::size_t i = 0; i < kBlock; ++i) y[i] = kFunction(x[i], parameters);
  }
}

using UnaryBlocks = void (*)(const float* x, const float* parameters, float* y, std::size_t blocks);

__attribute__((noinline)) void run_unary(UnaryBlocks run, const float* x, const float* parameters, float* y,
                                         std::size_t count) {
  const std::size_t rest = count % kBlock, whole = count - rest;
  run(x, parameters, y, whole / kBlock);
  if (rest == 0) return;
  float from[kBlock] = {}, to[kBlock];
  __builtin_memcpy(from, x + whole, rest * sizeof(float));
  run(from, parameters, to, 1);
  __builtin_memcpy(y + whole, to, rest * sizeof(float));
}

template <float (*kFunction)(float, const float*)>
void unary_loop(const float* x, const float* parameters, float* y, std::size_t count) {
  run_unary(unary_blocks<kFunction>, x, parameters, y, count);
}

template <float (*kFunction)(float, float)>
struct BinaryLoops {
  static void both(const float* __restrict a, const float* __restrict b, float* __restrict y, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) y[i] = kFunction(a[i], b[i]);
  }
  static void a_still(const float* __restrict a, const float* __restrict b, float* __restrict y, std::size_t count) {
    const float still = *a;
    for (std::size_t i = 0; i < count; ++i) y[i] = kFunction(still, b[i]);
  }
  static void b_still(const float* __restrict a, const float* __restrict b, float* __restrict y, std::size_t count) {
    const float still = *b;
    for (std::size_t i = 0; i < count; ++i) y[i] = kFunction(a[i], still);
  }
};

// Calls visit(position) for each position of the window.
template <class Visit>
INTAGLIO_INLINE void visit_window(const float* x, const Window& window, const Visit& visit) {
  for (std::size_t i = 0; i < window.count[0]; ++i, x += window.stride[0]) {
    const float* second = x;
    for (std::size_t j = 0; j < window.count[1]; ++j, second += window.stride[1]) {
      const float* third = second;
      for (std::size_t k = 0; k < window.count[2]; ++k, third += window.stride[2]) {
        const float* fourth = third;
        for (std::size_t l = 0; l < window.count[3]; ++l, fourth += window.stride[3]) visit(fourth);
      }
    }
  }
}

// Channels whose results are in the making at once.
constexpr std::size_t kChannelBlock = 64;

template <float (*kBetter)(float, float)>
void extremum(const float* __restrict x, const Window& window, double, float* __restrict y, std::size_t channels) {
  for (std::size_t first = 0; first < channels; first += kChannelBlock) {
    const std::size_t count = channels - first < kChannelBlock ? channels - first : kChannelBlock;
    float best[kChannelBlock];
    for (std::size_t c = 0; c < count; ++c) best[c] = x[first + c];
    visit_window(x + first, window, [&](const float* position) INTAGLIO_LAMBDA {
      for (std::size_t c = 0; c < count; ++c) best[c] = kBetter(position[c], best[c]);
    });
    for (std::size_t c = 0; c < count; ++c) y[first + c] = best[c];
  }
}

void mean(const float* __restrict x, const Window& window, double divisor, float* __restrict y, std::size_t channels) {
  for (std::size_t first = 0; first < channels; first += kChannelBlock) {
    const std::size_t count = channels - first < kChannelBlock ? channels - first : kChannelBlock;
    double sums[kChannelBlock] = {};
    visit_window(x + first, window, [&](const float* position) INTAGLIO_LAMBDA {
      for (std::size_t c = 0; c < count; ++c) sums[c] += static_cast<double>(position[c]);
    });
    for (std::size_t c = 0; c < count; ++c) y[first + c] = narrowed(sums[c] / divisor);
  }
}

// The order does not show: NaN wins, and of zeros +0 is made.
INTAGLIO_INLINE float largest(const float* x, std::size_t count) {
  constexpr std::size_t kWays = 16;
  float best[kWays];
  for (float& b : best) b = x[0];
  std::size_t i = 0;
  for (; i + kWays <= count; i += kWays) {
    for (std::size_t j = 0; j < kWays; ++j) best[j] = maximum(x[i + j], best[j]);
  }
  float result = best[0];
  for (const float b : best) result = maximum(b, result);
  for (; i < count; ++i) result = maximum(x[i], result);
  return result + 0.0F;
}

// y[i] = exp(x[i] - top)
INTAGLIO_INLINE void exponentials(const float* x, float top, float* y, std::size_t count) {
  constexpr std::size_t kMost = 16 * kBlock;
  float shifted[kMost];
  for (std::size_t first = 0; first < count; first += kMost) {
    const std::size_t some = count - first < kMost ? count - first : kMost;
    for (std::size_t i = 0; i < some; ++i) shifted[i] = x[first + i] - top;
    run_unary(unary_blocks<exp>, shifted, nullptr, y + first, some);
  }
}

template <bool kLogarithm>
void softmax(const float* __restrict x, float* __restrict y, std::size_t count) {
  const float top = largest(x, count);
  exponentials(x, top, y, count);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(y[i]);
  const double logarithm = log(sum);
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = narrowed(kLogarithm ? static_cast<double>(x[i] - top) - logarithm : static_cast<double>(y[i]) / sum);
  }
}

void bilinear(const FloatCorners& corners, float* __restrict y, std::size_t channels) {
  const FloatCorners c = corners;
  for (std::size_t i = 0; i < channels; ++i) {
    const float low = c.x[0][i] * c.low_column + c.x[1][i] * c.high_column;
    const float high = c.x[2][i] * c.low_column + c.x[3][i] * c.high_column;
    y[i] = low * c.low_row + high * c.high_row;
  }
}

void dots(const std::uint8_t* __restrict x, const std::int8_t* __restrict weights, std::ptrdiff_t stride,
          std::size_t count, std::int32_t* __restrict sums, std::size_t columns) {
  for (std::size_t column = 0; column < columns; ++column, weights += stride) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += x[i] * weights[i];
    sums[column] += sum;
  }
}

// Both ends of one axis.
INTAGLIO_INLINE void decode_axis(const float* code, const float* anchor, const float* scale, float* box) {
  const auto size = static_cast<double>(anchor[2]);
  const float centre =
      narrowed(static_cast<double>(code[0]) / static_cast<double>(scale[0]) * size + static_cast<double>(anchor[0]));
  const float half = narrowed(0.5 * exp(static_cast<double>(code[2]) / static_cast<double>(scale[2])) * size);
  box[0] = centre - half;
  box[2] = centre + half;
}

void decode_boxes(const float* __restrict codes, std::size_t stride, const float* __restrict anchors,
                  const float* __restrict scales, float* __restrict boxes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i, codes += stride, anchors += 4, boxes += 4) {
    decode_axis(codes, anchors, scales, boxes);
    decode_axis(codes + 1, anchors + 1, scales + 1, boxes + 1);
  }
}

}  // namespace
}  // namespace intaglio

#define INTAGLIO_FLOAT_UNARY(function, isa) {#function "_f32_" isa, unary_loop<function>}
#define INTAGLIO_FLOAT_BINARY(name, function, isa) \
  {name "_f32_" isa, BinaryLoops<function>::both, BinaryLoops<function>::a_still, BinaryLoops<function>::b_still}

// The kernels in the order of docs/format.md; `isa` is a string literal.
#define INTAGLIO_FLOAT_VECTOR_KERNELS(isa)                                                                       \
  {                                                                                                              \
      .unary = {INTAGLIO_FLOAT_UNARY(identity, isa),     INTAGLIO_FLOAT_UNARY(clip, isa),                        \
                INTAGLIO_FLOAT_UNARY(leaky_relu, isa),   INTAGLIO_FLOAT_UNARY(elu, isa),                         \
                INTAGLIO_FLOAT_UNARY(hard_sigmoid, isa), INTAGLIO_FLOAT_UNARY(sigmoid, isa),                     \
                INTAGLIO_FLOAT_UNARY(tanh, isa),         INTAGLIO_FLOAT_UNARY(exp, isa),                         \
                INTAGLIO_FLOAT_UNARY(log, isa),          INTAGLIO_FLOAT_UNARY(sqrt, isa),                        \
                INTAGLIO_FLOAT_UNARY(reciprocal, isa),   INTAGLIO_FLOAT_UNARY(abs, isa),                         \
                INTAGLIO_FLOAT_UNARY(neg, isa),          INTAGLIO_FLOAT_UNARY(floor, isa),                       \
                INTAGLIO_FLOAT_UNARY(ceil, isa),         INTAGLIO_FLOAT_UNARY(round, isa),                       \
                INTAGLIO_FLOAT_UNARY(erf, isa),          INTAGLIO_FLOAT_UNARY(gelu, isa),                        \
                INTAGLIO_FLOAT_UNARY(gelu_tanh, isa),    INTAGLIO_FLOAT_UNARY(silu, isa),                        \
                INTAGLIO_FLOAT_UNARY(hard_swish, isa),   INTAGLIO_FLOAT_UNARY(softplus, isa),                    \
                INTAGLIO_FLOAT_UNARY(sin, isa),          INTAGLIO_FLOAT_UNARY(cos, isa),                         \
                INTAGLIO_FLOAT_UNARY(sign, isa)},                                                                \
      .binary = {INTAGLIO_FLOAT_BINARY("add", add, isa), INTAGLIO_FLOAT_BINARY("sub", subtract, isa),            \
                 INTAGLIO_FLOAT_BINARY("mul", multiply, isa), INTAGLIO_FLOAT_BINARY("div", divide, isa),         \
                 INTAGLIO_FLOAT_BINARY("maximum", maximum, isa), INTAGLIO_FLOAT_BINARY("minimum", minimum, isa), \
                 INTAGLIO_FLOAT_BINARY("pow", power, isa)},                                                      \
      .prelu = INTAGLIO_FLOAT_BINARY("prelu", leak, isa),                                                        \
      .max = {"max_f32_" isa, extremum<maximum>},                                                                \
      .min = {"min_f32_" isa, extremum<minimum>},                                                                \
      .mean = {"mean_f32_" isa, mean},                                                                           \
      .softmax = {"softmax_f32_" isa, softmax<false>},                                                           \
      .log_softmax = {"log_softmax_f32_" isa, softmax<true>},                                                    \
      .bilinear = {"bilinear_f32_" isa, bilinear},                                                               \
      .dots = {"dots_u8s8_" isa, dots},                                                                          \
      .decode_boxes = {"decode_boxes_f32_" isa, decode_boxes},                                                   \
  }
