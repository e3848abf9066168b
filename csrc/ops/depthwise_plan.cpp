#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "ops/depthwise.h"

namespace intaglio {

namespace {

// Cells of one part are kept below this, so that they stay in the first-level cache with weights and outputs.
constexpr std::int64_t kCellBudget = 24 * 1024;
constexpr std::int64_t kMaxBandRows = 32;
// Relative cost of a chunk of one tap, and of making a chunk of cells.
constexpr std::int64_t kTapCost = 3;
constexpr std::int64_t kInterleaveCost = 8;

constexpr std::int64_t divide_up(std::int64_t value, std::int64_t divisor) { return (value + divisor - 1) / divisor; }

// The band of the least cost per output row, among those whose cells fit the budget if any does.
DepthwiseBand choose_band(const DepthwisePlan& plan, std::int64_t cell_columns_bytes) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::int64_t columns = plan.stream_count * plan.stream_columns;
  DepthwiseBand best = {1, divide_up(shape.kernel_h, group_rows), 0};
  if (shape.stride_h % shape.dilation_h != 0) return best;
  best.advance = shape.stride_h / shape.dilation_h;

  double best_cost = 0;
  std::int64_t taps = 0;  // of all rows of the band
  for (std::int64_t rows = 1; rows <= std::min(kMaxBandRows, shape.out_height); ++rows) {
    const std::int64_t start = (rows - 1) * best.advance;
    taps += divide_up(start % group_rows + shape.kernel_h, group_rows) * shape.kernel_w;
    const std::int64_t groups = divide_up(start + shape.kernel_h, group_rows);
    if (rows > 1 && groups > kCellBudget / cell_columns_bytes) break;
    const double cost = (static_cast<double>(taps) * static_cast<double>(shape.out_width * kTapCost) +
                         static_cast<double>(groups) * static_cast<double>(columns * kInterleaveCost)) /
                        static_cast<double>(rows);
    if (rows == 1 || cost < best_cost) {
      best_cost = cost;
      best.rows = rows;
      best.groups = groups;
    }
  }
  return best;
}

// The largest block of whole chunks that divides the channels evenly and whose cells fit the budget.
std::int64_t choose_block(std::int64_t channels, std::int64_t chunk, std::int64_t cells_per_channel) {
  if (channels % chunk != 0) return channels;
  std::int64_t block = channels;
  for (std::int64_t blocks = 1; blocks <= channels / chunk; ++blocks) {
    if (channels / chunk % blocks != 0) continue;
    block = channels / blocks;
    if (block <= kCellBudget / static_cast<std::int64_t>(kCellBytes) / cells_per_channel) break;
  }
  return block;
}

Status make_streams(const Node& node, Planner& planner, DepthwisePlan& plan) {
  const DepthwiseShape& shape = plan.shape;
  // Phases repeat after stride_w columns at the latest.
  const std::int64_t limit = std::min(shape.kernel_w, shape.stride_w);
  auto* streams = planner.make<DepthwiseStream>(static_cast<std::size_t>(limit));
  if (streams == nullptr) return out_of_memory(node);
  plan.stream_columns = shape.out_width + (shape.kernel_w - 1) * shape.dilation_w / shape.stride_w;
  for (std::int64_t kx = 0; kx < limit; ++kx) {
    const std::int64_t phase = kx * shape.dilation_w % shape.stride_w;
    if (kx > 0 && phase == streams[0].phase) break;
    const auto first_at = [&](std::int64_t column) {  // the stream's first column at or after a padded column
      return std::clamp(divide_up(std::max<std::int64_t>(column - phase, 0), shape.stride_w), std::int64_t{0},
                        plan.stream_columns);
    };
    streams[plan.stream_count++] = {phase, first_at(shape.left), first_at(shape.left + shape.width)};
  }
  plan.streams = streams;
  return {};
}

}  // namespace

Status plan_depthwise(const Node& node, Planner& planner, DepthwisePlan& plan) {
  const DepthwiseShape& shape = plan.shape;
  const auto chunk = static_cast<std::int64_t>(plan.kernels->chunk);
  constexpr auto kBytes = static_cast<std::int64_t>(kCellBytes);
  constexpr auto kLine = static_cast<std::int64_t>(kAlignment);
  INTAGLIO_TRY(make_streams(node, planner, plan));

  std::int64_t cells = 0;  // of one channel in one group
  bool fits = checked_mul(plan.stream_count, plan.stream_columns, cells);
  const std::int64_t least = shape.out_channels % chunk == 0 ? chunk : shape.out_channels;
  std::int64_t least_bytes = 0;
  fits = fits && checked_mul(cells, least * kBytes, least_bytes);
  if (!fits) return node_error(Code::kOutOfMemory, node, "a row of the padded input does not fit memory");
  plan.band = choose_band(plan, least_bytes);
  fits = checked_mul(cells, plan.band.groups, cells);
  if (!fits) return node_error(Code::kOutOfMemory, node, "the padded input does not fit memory");
  plan.block = choose_block(shape.out_channels, chunk, cells);
  plan.step = plan.block % chunk == 0 ? plan.block : std::lcm(plan.block, chunk);

  // A kernel writes up to a chunk past the cells it is asked for.
  fits = checked_mul(plan.stream_columns, plan.block * kBytes, plan.stream_bytes) &&
         checked_add(plan.stream_bytes, chunk * kBytes, plan.stream_bytes) &&
         checked_align(plan.stream_bytes, kLine, plan.stream_bytes) &&
         checked_mul(plan.stream_bytes, plan.stream_count, plan.group_bytes) &&
         checked_mul(plan.group_bytes, plan.band.groups, plan.scratch_bytes);
  if (fits && shape.multiplier() > 1) {
    fits =
        checked_mul(shape.width, plan.block, plan.repeated_row_bytes) &&
        checked_align(plan.repeated_row_bytes + static_cast<std::int64_t>(kSlack), kLine, plan.repeated_row_bytes) &&
        checked_add(plan.scratch_bytes, plan.repeated_row_bytes * static_cast<std::int64_t>(plan.kernels->group_rows),
                    plan.scratch_bytes);
  }
  if (!fits) return node_error(Code::kOutOfMemory, node, "the padded input does not fit memory");
  return {};
}

}  // namespace intaglio
