// The geometry of convolutions: windows that slide over rows and columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "model/model.h"
#include "runtime/planner.h"

namespace intaglio {

// Strides, dilations, kernels and padding stay at or below this, so that positions cannot overflow.
inline constexpr std::int64_t kWindowLimit = std::int64_t{1} << 24;

// One spatial axis.
struct WindowAxis {
  std::int64_t input = 0, kernel = 0, stride = 0, before = 0, after = 0, dilation = 0;

  std::int64_t extent() const { return dilation * (kernel - 1) + 1; }
  std::int64_t output() const { return (input + before + after - extent()) / stride + 1; }
  bool fits() const { return input + before + after >= extent(); }
  // Positions from the first that a window reads to the last.
  std::int64_t span() const { return (output() - 1) * stride + extent(); }
};

struct Convolution {
  WindowAxis height, width;
  std::int64_t groups = 1;
};

// stride[2], padding[4], dilation[2]: the first attributes of every convolution that is not transposed.
inline constexpr std::size_t kWindowAttrs = 8;
inline constexpr std::size_t kConvolutionAttrs = kWindowAttrs + 1;  // and groups

// Reads and checks the axes of windows of this size over x, of rank 4.
Result<Convolution> read_windows(const Node& node, const Tensor& x, std::int64_t kernel_height,
                                 std::int64_t kernel_width);

// All of that and the groups, for weights [O,kh,kw,I/groups]: ranks and dims of x, weight and y.
Result<Convolution> read_convolution(const Node& node, const Tensor& x, const Tensor& weight, const Tensor& y);

// The runs of a window: contiguous channels, one run per kernel row, or one per tap where columns are dilated or
// grouped. Offsets are those of the input, in the unit of its row stride, and those within a column's weights.
struct WindowRuns {
  std::span<const std::ptrdiff_t> input, weight;
  std::int64_t depth = 0;
};

Result<WindowRuns> plan_runs(const Node& node, Planner& planner, const Convolution& convolution, std::int64_t channels,
                             std::ptrdiff_t row_stride);

}  // namespace intaglio
