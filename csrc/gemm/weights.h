// Constant weights, packed while planning unless they lie in the file as the kernels want them.
#pragma once

#include <cstdint>
#include <span>

#include "gemm/pack.h"
#include "runtime/planner.h"

namespace intaglio {

// The bias with the correction for the input's zero point, and the packed weights, of `groups` groups of
// layout.columns columns each (groups follow one another `layout.columns` columns apart).
struct GemmWeights {
  const std::int8_t* values = nullptr;
  const std::int32_t* bias = nullptr;
};
Result<GemmWeights> pack_weights(const Node& node, Planner& planner, const WeightLayout& layout, std::int64_t groups,
                                 std::span<const std::int32_t> bias, std::int32_t input_zero_point,
                                 std::int32_t weight_zero_point);

}  // namespace intaglio
