#include "gemm/weights.h"

#include <algorithm>

namespace intaglio {

Result<GemmWeights> pack_weights(const Node& node, Planner& planner, const WeightLayout& layout, std::int64_t groups,
                                 std::span<const std::int32_t> bias, std::int32_t input_zero_point,
                                 std::int32_t weight_zero_point) {
  const auto columns = static_cast<std::size_t>(layout.columns);
  const GemmKernels& kernels = *planner.kernels().gemm;
  const std::size_t group_bytes =
      kernels.weight_bytes(columns, layout.taps.size(), static_cast<std::size_t>(layout.depth));
  const std::size_t width = kernels.padded_columns(columns);
  const std::int64_t input_offset = kernels.input_offset;
  const std::int64_t zero_points = weight_zero_point * static_cast<std::int64_t>(layout.taps.size()) * layout.depth;
  const bool in_file = planner.file_stays() && lies_packed(kernels, layout);
  const std::size_t bytes = in_file ? 0 : static_cast<std::size_t>(groups) * group_bytes;
  auto* packed = planner.make<std::int8_t>(std::max<std::size_t>(bytes, 1));
  auto* folded = planner.make<std::int32_t>(static_cast<std::size_t>(groups) * width);
  if (packed == nullptr || folded == nullptr) return out_of_memory(node);
  for (std::size_t group = 0; group < static_cast<std::size_t>(groups); ++group) {
    WeightLayout part = layout;
    part.values += static_cast<std::ptrdiff_t>(group * columns) * layout.column_stride;
    if (!in_file) pack(kernels, part, packed + group * group_bytes);
    for (std::size_t column = 0; column < columns; ++column) {
      const std::int64_t total = sum_weights(part, static_cast<std::int64_t>(column), weight_zero_point).total();
      // Modulo 2^32, as the kernels' accumulators are.
      folded[group * width + column] = static_cast<std::int32_t>(static_cast<std::uint32_t>(
          bias[group * columns + column] - input_zero_point * total + input_offset * (total + zero_points)));
    }
  }
  return GemmWeights{in_file ? layout.values : packed, folded};
}

}  // namespace intaglio
