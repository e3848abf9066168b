#include "gemm/winograd_weights.h"

#include "base/divide.h"
#include "kernels/winograd.h"

namespace intaglio {

namespace {

// One column's windows; its weights of one tap and group lie next to one another, columns a group apart.
void pack_column(const std::int8_t* windows, std::size_t channels, std::int8_t* to) {
  for (std::size_t channel = 0; channel < channels; ++channel) {
    std::int8_t* group = to + channel / kGroupChannels * kWindowWeights * kPanelColumns * kGroupChannels;
    for (std::size_t tap = 0; tap < kWindowWeights; ++tap) {
      group[tap * kPanelColumns * kGroupChannels + channel % kGroupChannels] = windows[tap * channels + channel];
    }
  }
}

}  // namespace

Result<WinogradPanels> pack_windows(const Node& node, Planner& planner, const WeightLayout& windows,
                                    std::span<const std::int32_t> bias, std::int32_t input_zero_point) {
  const auto columns = static_cast<std::size_t>(windows.columns);
  const std::size_t channels = static_cast<std::size_t>(windows.depth) / kWindowWeights;
  const std::size_t groups = divide_up(channels, kGroupChannels);
  const std::size_t block = planner.kernels().winograd_products->columns;
  const std::size_t width = divide_up(columns, block) * block;
  const std::size_t bytes = groups * kWindowWeights * kPanelColumns * kGroupChannels;
  auto* panels = planner.make<std::int8_t>(width / kPanelColumns * bytes);
  auto* folded = planner.make<std::int32_t>(width);
  auto* no_bias = planner.make<std::int32_t>(block);
  if (panels == nullptr || folded == nullptr || no_bias == nullptr) return out_of_memory(node);
  for (std::size_t column = 0; column < columns; ++column) {
    pack_column(windows.values + static_cast<std::ptrdiff_t>(column) * windows.column_stride, channels,
                panels + column / kPanelColumns * bytes + column % kPanelColumns * kGroupChannels);
    const std::int64_t total = sum_weights(windows, static_cast<std::int64_t>(column), 0).total();
    // Modulo 2^32, as the kernels' accumulators are.
    folded[column] =
        static_cast<std::int32_t>(kBiasFactor * static_cast<std::uint32_t>(bias[column] - input_zero_point * total));
  }
  return WinogradPanels{panels, static_cast<std::int64_t>(bytes), folded, no_bias};
}

}  // namespace intaglio
