#include "ops/depthwise_channels.h"

#include <algorithm>
#include <cstring>

namespace intaglio {

namespace {

template <class T>
Status repeat(const Node& node, Planner& planner, std::span<const T> values, const DepthwiseEntries& entries,
              const T*& repeated) {
  const bool shared = values.size() == 1;
  if (entries.in_order() && !shared) {
    repeated = planner.keep(values);
    return repeated != nullptr ? Status() : out_of_memory(node);
  }
  T* copy = planner.make<T>(static_cast<std::size_t>(entries.count));
  if (copy == nullptr) return out_of_memory(node);
  for (std::int64_t i = 0; i < entries.count; ++i) {
    copy[i] = values[shared ? 0 : static_cast<std::size_t>(entries.channel(i))];
  }
  repeated = copy;
  return {};
}

Status fold_bias(const Node& node, Planner& planner, const SumParameters& parameters, const DepthwiseEntries& entries,
                 std::int32_t input_offset, const std::int32_t*& folded) {
  const auto weights = parameters.weight->values<std::int8_t>();
  const std::int64_t zero_x = parameters.input_zero_point;
  const std::int64_t zero_w = parameters.weight_zero_point;
  auto* bias = planner.make<std::int32_t>(static_cast<std::size_t>(entries.count));
  if (bias == nullptr) return out_of_memory(node);
  for (std::int64_t entry = 0; entry < entries.count; ++entry) {
    const auto channel = static_cast<std::size_t>(entries.channel(entry));
    std::int64_t sum = 0;
    std::int64_t low = parameters.bias[channel];
    std::int64_t high = low;
    for (std::size_t i = channel; i < weights.size(); i += static_cast<std::size_t>(entries.channels)) {
      const std::int64_t weight = weights[i] - zero_w;
      sum += weight;
      low += weight * (weight > 0 ? -zero_x : 255 - zero_x);
      high += weight * (weight > 0 ? 255 - zero_x : -zero_x);
    }
    INTAGLIO_TRY(check_accumulators(node, parameters.requantization, static_cast<std::int64_t>(channel), low, high));
    // Modulo 2^32: only the whole sum must fit.
    bias[entry] =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(parameters.bias[channel] - sum * (zero_x - input_offset)));
  }
  folded = bias;
  return {};
}

}  // namespace

Status make_channel_arrays(const Node& node, Planner& planner, const SumParameters& parameters,
                           const DepthwiseEntries& entries, std::int32_t input_offset, const std::int32_t*& bias,
                           Requantization& requantization) {
  INTAGLIO_TRY(fold_bias(node, planner, parameters, entries, input_offset, bias));
  const RequantizationParameters& checked = parameters.requantization;
  requantization.zero_point = checked.zero_point;
  requantization.low = checked.low;
  requantization.high = checked.high;
  if (checked.mode == RequantizationMode::kFloat32) {
    requantization.bounded = checked.bounded();
    return repeat(node, planner, checked.scale, entries, requantization.scale);
  }
  INTAGLIO_TRY(repeat(node, planner, checked.multiplier, entries, requantization.multiplier));
  return repeat(node, planner, checked.shift, entries, requantization.shift);
}

void pack_cell(const DepthwiseShape& shape, const SumParameters& parameters, std::size_t group_rows, std::int64_t ky,
               std::int64_t kx, std::int64_t channel, std::byte* cell) {
  const auto weights = parameters.weight->values<std::int8_t>();
  for (std::size_t i = 0; i < group_rows; ++i, ++ky) {
    if (ky < 0 || ky >= shape.kernel_h) continue;
    const std::int64_t index = (ky * shape.kernel_w + kx) * shape.out_channels + channel;
    const auto value =
        static_cast<std::int16_t>(weights[static_cast<std::size_t>(index)] - parameters.weight_zero_point);
    if (group_rows == 4) {
      const auto narrow = static_cast<std::int8_t>(value);
      std::memcpy(cell + i, &narrow, sizeof(narrow));
    } else {
      std::memcpy(cell + 2 * i, &value, sizeof(value));
    }
  }
}

Status make_padding_row(const Node& node, Planner& planner, const SumParameters& parameters,
                        const DepthwiseShape& shape, const std::uint8_t*& row) {
  const auto bytes = static_cast<std::size_t>(shape.width * shape.channels);
  auto* padding = planner.make<std::uint8_t>(bytes);
  if (padding == nullptr) return out_of_memory(node);
  std::fill(padding, padding + bytes, static_cast<std::uint8_t>(parameters.input_zero_point));
  row = padding;
  return {};
}

std::uint32_t padding_cell(const DepthwiseKernels& kernels, std::int32_t zero_point) {
  const auto padding = static_cast<std::uint8_t>(zero_point - kernels.input_offset);
  return padding * (kernels.group_rows == 4 ? 0x01010101U : 0x00010001U);
}

}  // namespace intaglio
