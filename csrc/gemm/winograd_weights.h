// Weights of 3x3 windows in the order that Winograd kernels transform them in.
#pragma once

#include <cstdint>
#include <span>

#include "gemm/pack.h"
#include "runtime/planner.h"

namespace intaglio {

struct WinogradPanels {
  const std::int8_t* panels = nullptr;  // those of WinogradWeights; of whole blocks of WinogradProducts::columns
  std::int64_t panel_bytes = 0;
  const std::int32_t* bias = nullptr;     // kBiasFactor times, zero-point corrections folded in; of whole blocks
  const std::int32_t* no_bias = nullptr;  // zeros, of one block
};

// The windows of a column are one run: [3x3][channels].
Result<WinogradPanels> pack_windows(const Node& node, Planner& planner, const WeightLayout& windows,
                                    std::span<const std::int32_t> bias, std::int32_t input_zero_point);

}  // namespace intaglio
