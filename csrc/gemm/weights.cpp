#include "gemm/weights.h"

#include <algorithm>

namespace intaglio {

Result<GemmWeights> pack_weights(const Node& node, Planner& planner, const WeightLayout& layout, std::int64_t groups,
                                 std::span<const std::int32_t> bias, std::int32_t input_zero_point,
                                 std::int32_t weight_zero_point) {
  const auto columns = static_cast<std::size_t>(layout.columns);
  const std::size_t group_bytes = packed_bytes(columns, layout.taps.size(), static_cast<std::size_t>(layout.depth));
  const std::size_t width = align_up(columns, kPanelColumns);
  const std::int64_t input_offset = planner.kernels().gemm->input_offset;
  const std::int64_t zero_points = weight_zero_point * static_cast<std::int64_t>(layout.taps.size()) * layout.depth;
  auto* panels = planner.make<std::int8_t>(std::max<std::size_t>(static_cast<std::size_t>(groups) * group_bytes, 1));
  auto* folded = planner.make<std::int32_t>(static_cast<std::size_t>(groups) * width);
  if (panels == nullptr || folded == nullptr) return out_of_memory(node);
  for (std::size_t group = 0; group < static_cast<std::size_t>(groups); ++group) {
    WeightLayout part = layout;
    part.values += static_cast<std::ptrdiff_t>(group * columns) * layout.column_stride;
    pack_panels(part, panels + group * group_bytes);
    for (std::size_t column = 0; column < columns; ++column) {
      const std::int64_t total = sum_weights(part, static_cast<std::int64_t>(column), weight_zero_point).total();
      // Modulo 2^32, as the kernels' accumulators are.
      folded[group * width + column] = static_cast<std::int32_t>(static_cast<std::uint32_t>(
          bias[group * columns + column] - input_zero_point * total + input_offset * (total + zero_points)));
    }
  }
  return GemmWeights{panels, folded};
}

}  // namespace intaglio
