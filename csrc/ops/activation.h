// Numbers about int8 activations.
#pragma once

#include <algorithm>
#include <cstdint>

#include "model/model.h"
#include "runtime/planner.h"

namespace intaglio {

// The zero point as kernels see it.
inline std::int32_t stored_zero(const Tensor& tensor) { return tensor.zero_point + kStorageOffset; }

// The largest |q - zero_point|.
inline std::int64_t reach(const Tensor& tensor) { return std::max(127 - tensor.zero_point, 128 + tensor.zero_point); }

}  // namespace intaglio
