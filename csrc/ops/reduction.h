// Reductions over axes.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "kernels/vector.h"
#include "model/model.h"
#include "ops/nd_loop.h"

namespace intaglio {

struct ReducedAxes {
  bool reduced[kMaxRank] = {};
  std::int64_t count = 1;  // elements in each sum
};

// Checks that the axes ascend and that the output drops them or keeps them with size 1.
Result<ReducedAxes> read_axes(const Node& node, const Tensor& x, const Tensor& y, std::span<const std::int64_t> axes);

// The loops of the reduction, which do not alternate with kept ones more than four times in eight axes.
Window window_of(const NdLoop<1>& reduced);

}  // namespace intaglio
