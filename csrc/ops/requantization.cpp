#include "ops/requantization.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <limits>

namespace intaglio {

namespace {

constexpr std::int64_t kAccumulatorLimit = std::numeric_limits<std::int32_t>::max();

template <class T>
Result<const T*> padded(const Node& node, Planner& planner, std::span<const T> values, std::int64_t groups,
                        std::int64_t columns) {
  const auto width =
      static_cast<std::int64_t>(planner.kernels().gemm->padded_columns(static_cast<std::size_t>(columns)));
  const bool one_for_all = values.size() == 1;
  if (planner.kernels().gemm->in_place && !one_for_all) {
    const T* kept = planner.keep(values);
    if (kept == nullptr) return out_of_memory(node);
    return kept;
  }
  T* copy = planner.make<T>(static_cast<std::size_t>(groups * width));
  if (copy == nullptr) return out_of_memory(node);
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t column = 0; column < columns; ++column) {
      copy[group * width + column] = values[one_for_all ? 0 : static_cast<std::size_t>(group * columns + column)];
    }
  }
  return static_cast<const T*>(copy);
}

}  // namespace

bool RequantizationParameters::bounded() const {
  return std::all_of(scale.begin(), scale.end(), [](float value) { return value <= 0.5F; });
}

Result<RequantizationParameters> read_requantization(const Node& node, const Model& model, std::size_t scale_index,
                                                     std::int64_t channels, std::int64_t mode, std::int64_t low,
                                                     std::int64_t high) {
  if (mode != 0 && mode != 1) return node_error(Code::kQuantization, node, "requant is %" PRId64 ", not 0 or 1", mode);
  if (low < -128 || high > 127 || low > high) {
    return node_error(Code::kQuantization, node, "clamp (%" PRId64 ", %" PRId64 ") is not a range within [-128, 127]",
                      low, high);
  }
  const Tensor& scale = model.input(node, scale_index);
  const Tensor& shift = model.input(node, scale_index + 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_activation(node, y, "output"));

  RequantizationParameters parameters;
  parameters.mode = static_cast<RequantizationMode>(mode);
  parameters.zero_point = y.zero_point + kStorageOffset;
  parameters.low = static_cast<std::int32_t>(low) + kStorageOffset;
  parameters.high = static_cast<std::int32_t>(high) + kStorageOffset;
  if (parameters.mode == RequantizationMode::kFloat32) {
    INTAGLIO_TRY(check_constant(node, scale, "scale", DType::kFloat32, {channels}));
    INTAGLIO_TRY(check_constant(node, shift, "shift", DType::kInt32, {0}));
    parameters.scale = scale.values<float>();
    for (const float value : parameters.scale) {
      if (!std::isnormal(value) || value < 0) {
        return node_error(Code::kQuantization, node, "scale %g is not a positive normal number",
                          static_cast<double>(value));
      }
    }
    return parameters;
  }
  INTAGLIO_TRY(check_constant(node, scale, "multiplier", DType::kInt32, {channels}));
  INTAGLIO_TRY(check_constant(node, shift, "shift", DType::kInt32, {channels}));
  parameters.multiplier = scale.values<std::int32_t>();
  parameters.shift = shift.values<std::int32_t>();
  for (const std::int32_t value : parameters.multiplier) {
    if (value < 0) return node_error(Code::kQuantization, node, "multiplier %" PRId32 " is negative", value);
  }
  for (const std::int32_t value : parameters.shift) {
    if (value < -31 || value > 30) {
      return node_error(Code::kQuantization, node, "shift %" PRId32 " is outside [-31, 30]", value);
    }
  }
  return parameters;
}

Status check_accumulators(const Node& node, const RequantizationParameters& parameters, std::int64_t channel,
                          std::int64_t low, std::int64_t high) {
  const std::int64_t largest = std::max(high, -low);
  if (low < -kAccumulatorLimit || high > kAccumulatorLimit) {
    return node_error(Code::kQuantization, node,
                      "the accumulator of output channel %" PRId64 " could reach %" PRId64 ", beyond int32", channel,
                      largest);
  }
  if (parameters.mode == RequantizationMode::kFixed) {
    const std::size_t set = parameters.shift.size() == 1 ? 0 : static_cast<std::size_t>(channel);
    const auto left = static_cast<int>(std::max<std::int32_t>(parameters.shift[set], 0));
    if (largest > (kAccumulatorLimit >> left)) {
      return node_error(Code::kQuantization, node,
                        "the accumulator of output channel %" PRId64 " could reach %" PRId64
                        ", which shifted left by %d leaves int32",
                        channel, largest, left);
    }
  }
  return {};
}

Result<Requantization> make_requantization(const Node& node, Planner& planner,
                                           const RequantizationParameters& parameters, std::int64_t groups,
                                           std::int64_t columns) {
  Requantization requantization;
  requantization.zero_point = parameters.zero_point;
  requantization.low = parameters.low;
  requantization.high = parameters.high;
  if (parameters.mode == RequantizationMode::kFloat32) {
    auto scale = padded(node, planner, parameters.scale, groups, columns);
    if (!scale.ok()) return scale.status();
    requantization.scale = scale.value();
    requantization.bounded = parameters.bounded();
    return requantization;
  }
  auto multiplier = padded(node, planner, parameters.multiplier, groups, columns);
  if (!multiplier.ok()) return multiplier.status();
  auto shift = padded(node, planner, parameters.shift, groups, columns);
  if (!shift.ok()) return shift.status();
  requantization.multiplier = multiplier.value();
  requantization.shift = shift.value();
  return requantization;
}

}  // namespace intaglio
