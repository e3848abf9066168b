// The windows of pooling.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "model/model.h"

namespace intaglio {

// Windows along one axis.
struct PoolAxis {
  std::int64_t size, kernel, stride, before, outputs;

  std::int64_t first(std::int64_t output) const { return std::max<std::int64_t>(output * stride - before, 0); }
  std::int64_t last(std::int64_t output) const { return std::min(output * stride - before + kernel, size); }
};

struct PoolAxes {
  PoolAxis rows, columns;
};

// Reads and checks kernel[2], stride[2], padding[4] and the dims of x and y; every window touches the input.
Result<PoolAxes> read_pool_axes(const Node& node, const Tensor& x, const Tensor& y,
                                std::span<const std::int64_t> attrs);

}  // namespace intaglio
