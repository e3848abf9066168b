// What a node says about requantization (docs/arithmetic.md): checked, and laid out for kernels.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "kernels/gemm.h"
#include "model/model.h"
#include "ops/checks.h"
#include "runtime/planner.h"

namespace intaglio {

// The value of the `requant` attribute.
enum class RequantizationMode : std::uint8_t { kFloat32 = 0, kFixed = 1 };

// Checked parameters: one set per channel, or one for all.
struct RequantizationParameters {
  RequantizationMode mode = RequantizationMode::kFloat32;
  std::span<const float> scale;              // float32 mode
  std::span<const std::int32_t> multiplier;  // fixed mode
  std::span<const std::int32_t> shift;       // fixed mode
  std::int32_t zero_point = 0;               // of y as stored, [0, 255]
  std::int32_t low = 0, high = 255;          // clamp as stored

  bool bounded() const;  // as in Requantization
};

// Reads the inputs `scale_index` (scale) and `scale_index + 1` (shift) of the node, which hold `channels` sets.
// `low` and `high` are the clamp in int8 values; y is the node's only output.
Result<RequantizationParameters> read_requantization(const Node& node, const Model& model, std::size_t scale_index,
                                                     std::int64_t channels, std::int64_t mode, std::int64_t low,
                                                     std::int64_t high);

// Proves that accumulators of `channel` in [low, high] neither overflow int32 nor leave it while requantizing.
Status check_accumulators(const Node& node, const RequantizationParameters& parameters, std::int64_t channel,
                          std::int64_t low, std::int64_t high);

// The parameters as kernels take them: `groups` runs of `columns` sets, each padded with zeros as they want it. A
// single set is repeated for every column.
Result<Requantization> make_requantization(const Node& node, Planner& planner,
                                           const RequantizationParameters& parameters, std::int64_t groups,
                                           std::int64_t columns);

}  // namespace intaglio
