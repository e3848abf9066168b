// The kernels of float32 ops that are no sums of products, and of integer dot products. docs/arithmetic.md, "Float32",
// defines each. Outputs overlap no input.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/vector.h"

namespace intaglio {

// y[i] = f(x[i]) with the numbers f takes.
using FloatUnaryFunction = void (*)(const float* x, const float* parameters, float* y, std::size_t count);

using FloatBinaryFunction = void (*)(const float* a, const float* b, float* y, std::size_t count);

// One inner loop per way an operand advances. At most one operand stands still.
struct FloatBinaryKernel {
  const char* name;
  FloatBinaryFunction both;     // y[i] = f(a[i], b[i])
  FloatBinaryFunction a_still;  // y[i] = f(a[0], b[i])
  FloatBinaryFunction b_still;  // y[i] = f(a[i], b[0])
};

// y[c] = the largest, the smallest, or the sum divided by `divisor`, of x[position + c] over the window, whose strides
// are in elements.
using FloatWindowFunction = void (*)(const float* x, const Window& window, double divisor, float* y,
                                     std::size_t channels);

using FloatSoftmaxFunction = void (*)(const float* x, float* y, std::size_t count);

// The corners (low row: low and high column; high row likewise) and the weights of high and low.
struct FloatCorners {
  const float* x[4];
  float low_column, high_column, low_row, high_row;
};
using FloatBilinearFunction = void (*)(const FloatCorners& corners, float* y, std::size_t channels);

// sums[j] += sum of x[i] * weights[j * stride + i]; the sums fit int32.
using DotsFunction = void (*)(const std::uint8_t* x, const std::int8_t* weights, std::ptrdiff_t stride,
                              std::size_t count, std::int32_t* sums, std::size_t columns);

// count boxes (top, left, bottom, right) from codes (y, x, h, w) that lie `stride` floats apart, each relative to its
// anchor; scales are of y, x, h, w.
using DecodeBoxesFunction = void (*)(const float* codes, std::size_t stride, const float* anchors, const float* scales,
                                     float* boxes, std::size_t count);

// By the numbers of docs/format.md.
inline constexpr std::int64_t kFloatUnaryKinds = 25;
inline constexpr std::int64_t kFloatBinaryKinds = 7;

struct FloatVectorKernels {
  Named<FloatUnaryFunction> unary[kFloatUnaryKinds];
  FloatBinaryKernel binary[kFloatBinaryKinds];
  FloatBinaryKernel prelu;
  Named<FloatWindowFunction> max, min, mean;
  Named<FloatSoftmaxFunction> softmax, log_softmax;
  Named<FloatBilinearFunction> bilinear;
  Named<DotsFunction> dots;
  Named<DecodeBoxesFunction> decode_boxes;
};

}  // namespace intaglio
