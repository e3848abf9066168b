#include <algorithm>

#include "base/checked.h"
#include "base/divide.h"
#include "ops/depthwise_bands.h"

namespace intaglio {

namespace {

// The weights of the band's output row `row` and those that lie alike: zero where a group has no tap.
Status pack_place(const Node& node, Planner& planner, const SumParameters& parameters, std::int64_t row,
                  BandPlan& plan) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::int64_t start = row * plan.band.advance % group_rows;
  const std::int64_t groups = divide_up(start + shape.kernel_h, group_rows);
  const std::int64_t taps = groups * shape.kernel_w;
  const std::int64_t entries = shape.out_channels + static_cast<std::int64_t>(plan.kernels->chunk);
  std::int64_t bytes = 0;
  if (!checked_mul(taps, entries * static_cast<std::int64_t>(kCellBytes), bytes)) return out_of_memory(node);
  auto* packed = planner.make<std::byte>(static_cast<std::size_t>(bytes));
  auto* offsets = planner.make<std::ptrdiff_t>(static_cast<std::size_t>(taps));
  if (packed == nullptr || offsets == nullptr) return out_of_memory(node);

  std::byte* cell = packed;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const std::int64_t group = tap / shape.kernel_w;
    const std::int64_t kx = tap % shape.kernel_w;
    const std::int64_t column = kx * shape.dilation_w;
    const auto* stream = std::find_if(plan.streams, plan.streams + plan.stream_count,
                                      [&](const DepthwiseStream& s) { return s.phase == column % plan.fold; });
    offsets[tap] = group * plan.group_bytes + (stream - plan.streams) * plan.stream_bytes +
                   column / plan.fold * plan.block * static_cast<std::int64_t>(kCellBytes);
    for (std::int64_t entry = 0; entry < entries; ++entry, cell += kCellBytes) {
      pack_cell(shape, parameters, plan.kernels->group_rows, group * group_rows - start, kx, entry % shape.out_channels,
                cell);
    }
  }
  plan.places[row] = {packed, offsets, static_cast<std::size_t>(taps), row * plan.band.advance / group_rows};
  return {};
}

}  // namespace

Status pack_bands(const Node& node, Planner& planner, const SumParameters& parameters, BandPlan& plan) {
  // Chunks may start at any channel.
  const std::int64_t channels = plan.shape.out_channels;
  const DepthwiseEntries entries = {channels, channels + static_cast<std::int64_t>(plan.kernels->chunk), 0};
  INTAGLIO_TRY(make_channel_arrays(node, planner, parameters, entries, plan.kernels->input_offset, plan.outputs.bias,
                                   plan.outputs.requantization));
  for (std::int64_t row = 0; row < std::min(plan.band.rows, plan.band.cycle); ++row) {
    INTAGLIO_TRY(pack_place(node, planner, parameters, row, plan));
  }
  plan.padding_cell = padding_cell(*plan.kernels, parameters.input_zero_point);
  return make_padding_row(node, planner, parameters, plan.shape, plan.padding_row);
}

Status prepare_bands(const Node& node, Planner& planner, const SumParameters& parameters, const DepthwiseShape& shape,
                     const DepthwiseKernels& kernels, Step& step) {
  auto* plan = planner.make<BandPlan>();
  if (plan == nullptr) return out_of_memory(node);
  plan->kernels = &kernels;
  plan->shape = shape;
  INTAGLIO_TRY(plan_bands(node, planner, *plan));
  INTAGLIO_TRY(pack_bands(node, planner, parameters, *plan));
  step.parts = static_cast<int>(std::min<std::int64_t>(step.parts, shape.batch * shape.out_height));
  plan->x = planner.tensor(node.inputs[0]);
  plan->y = planner.tensor(node.outputs[0]);
  plan->scratch = planner.part_scratch(static_cast<std::uint64_t>(plan->scratch_bytes), step.parts);
  step.run = run_bands;
  step.arguments = plan;
  return {};
}

}  // namespace intaglio
