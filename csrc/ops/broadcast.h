// NumPy's broadcasting.
#pragma once

#include "base/status.h"
#include "model/model.h"
#include "ops/nd_loop.h"

namespace intaglio {

// The shape that these two broadcast to.
Result<Dims> broadcast_dims(const Node& node, std::span<const std::int64_t> a, std::span<const std::int64_t> b);

// The strides of a dense tensor of shape `dims` along the axes of `target`, which it broadcasts to.
Strides broadcast_strides(std::span<const std::int64_t> dims, std::span<const std::int64_t> target);

}  // namespace intaglio
