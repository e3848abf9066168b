// Checks that float32 ops make of their node.
#pragma once

#include "base/status.h"
#include "model/model.h"

namespace intaglio {

Status check_dtype(const Node& node, const Tensor& tensor, const char* role, DType dtype);

// All inputs and the output are float32.
Status check_all_float(const Node& node, const Model& model);

// The constant [2] that a sum of products is limited to.
struct FloatBounds {
  float low = 0, high = 0;
};
Result<FloatBounds> read_bounds(const Node& node, const Tensor& tensor);

}  // namespace intaglio
