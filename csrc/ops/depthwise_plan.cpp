#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "ops/depthwise.h"

namespace intaglio {

namespace {

// Cells of one part are kept below this, so that they stay in the first-level cache with weights and outputs.
constexpr std::int64_t kCellBudget = 24 * 1024;
constexpr std::int64_t kMaxBandRows = 32;
// Cycles, roughly: one chunk of one tap; making a chunk of cells; a run of cells; a call of a kernel with what leads to
// it.
constexpr double kTapCycles = 6;
constexpr double kInterleaveCycles = 5.5;
constexpr double kRunCycles = 4;
constexpr double kCallCycles = 30;

constexpr std::int64_t divide_up(std::int64_t value, std::int64_t divisor) { return (value + divisor - 1) / divisor; }

// The band of the least cost per output row, among those whose cells fit the budget if any does.
DepthwiseBand choose_band(const DepthwisePlan& plan, std::int64_t bytes_per_group) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::int64_t columns = plan.stream_count * plan.stream_columns;
  DepthwiseBand best = {1, divide_up(shape.kernel_h, group_rows), 0, 1, 0};
  if (shape.stride_h % shape.dilation_h != 0) return best;
  best.advance = shape.stride_h / shape.dilation_h;
  best.cycle = group_rows / std::gcd(best.advance, group_rows);
  best.cycle_groups = best.cycle * best.advance / group_rows;

  const double chunks = static_cast<double>(shape.out_channels) / static_cast<double>(plan.kernels->chunk);
  const double runs = shape.stride_w == 1 && !plan.whole_chunks ? 1 : static_cast<double>(columns);
  const double group_cycles = static_cast<double>(columns) * chunks * kInterleaveCycles + runs * kRunCycles +
                              static_cast<double>(plan.stream_count) * kCallCycles;
  const double tap_cycles = static_cast<double>(shape.out_width) * chunks * kTapCycles;
  double best_cost = 0;
  std::int64_t taps = 0;  // of all rows of the band
  for (std::int64_t rows = 1; rows <= std::min(kMaxBandRows, shape.out_height); ++rows) {
    const std::int64_t start = (rows - 1) * best.advance;
    taps += divide_up(start % group_rows + shape.kernel_h, group_rows) * shape.kernel_w;
    const std::int64_t groups = divide_up(start + shape.kernel_h, group_rows);
    if (rows > 1 && groups > kCellBudget / bytes_per_group) break;
    const double calls = static_cast<double>(shape.out_width == 1 ? std::min(rows, best.cycle) : rows);
    const double cost =
        (static_cast<double>(taps) * tap_cycles + static_cast<double>(groups) * group_cycles + calls * kCallCycles) /
        static_cast<double>(rows);
    if (rows == 1 || cost < best_cost) {
      best_cost = cost;
      best.rows = rows;
      best.groups = groups;
    }
  }
  return best;
}

// Whether windows read neighbouring columns three at a time (DepthwiseOutputs::run).
bool has_runs_of_three(const DepthwiseShape& shape) {
  return shape.kernel_w == 3 && shape.stride_w == 1 && shape.dilation_w == 1;
}

// Whether to round the channels up to whole chunks, rather than run on from column to column: then chunks are aligned
// and every column is a site. Running on is for channels that would fill their chunks badly, if enough chunks share
// weights.
bool wants_whole_chunks(const DepthwiseShape& shape, std::int64_t chunk) {
  const std::int64_t channels = shape.out_channels;
  if (channels < chunk) return false;
  if (channels * shape.out_width / std::lcm(channels, chunk) < 3) return true;
  const std::int64_t rounded = divide_up(channels, chunk) * chunk;
  return has_runs_of_three(shape) ? 4 * channels >= 3 * rounded : 8 * channels > 7 * rounded;
}

// A block of whole chunks whose cells fit the budget, if any do: the one with the fewest chunks in all blocks, and of
// those the largest.
std::int64_t choose_block(std::int64_t channels, std::int64_t chunk, std::int64_t bytes_per_chunk) {
  const std::int64_t most = std::clamp<std::int64_t>(kCellBudget / bytes_per_chunk, 1, channels / chunk);
  std::int64_t best = 1;
  for (std::int64_t chunks = 1; chunks <= most; ++chunks) {
    const auto total = [&](std::int64_t size) { return divide_up(channels, size * chunk) * size; };
    if (total(chunks) <= total(best)) best = chunks;
  }
  return best * chunk;
}

// The sites of one output row.
void lay_out_sites(DepthwisePlan& plan) {
  const DepthwiseShape& shape = plan.shape;
  const auto chunk = static_cast<std::int64_t>(plan.kernels->chunk);
  const std::int64_t step = plan.whole_chunks ? plan.block : std::lcm(plan.block, chunk);
  const std::int64_t count = shape.out_width * plan.block;
  DepthwiseOutputs& outputs = plan.outputs;
  outputs.period = static_cast<std::size_t>(shape.out_channels);
  outputs.chunk_modulo_period = plan.kernels->chunk % outputs.period;
  outputs.weight_step = (outputs.period + plan.kernels->chunk) * kCellBytes;
  outputs.chunks = static_cast<std::size_t>(step / chunk);
  outputs.sites = static_cast<std::size_t>(count / step);
  outputs.rest = static_cast<std::size_t>(count % step);
  outputs.cells_step = step * static_cast<std::int64_t>(kCellBytes);
  outputs.run = plan.whole_chunks && has_runs_of_three(shape) ? 3 : 1;
  outputs.out_step = plan.whole_chunks ? shape.out_channels : step;
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

  plan.whole_chunks = wants_whole_chunks(shape, chunk);
  std::int64_t columns = 0;  // of all streams
  std::int64_t bytes = 0;    // of a group's cells, in the smallest block
  bool fits = checked_mul(plan.stream_count, plan.stream_columns, columns) &&
              checked_mul(columns, (plan.whole_chunks ? chunk : shape.out_channels) * kBytes, bytes);
  if (!fits) return node_error(Code::kOutOfMemory, node, "a row of the padded input does not fit memory");
  plan.band = choose_band(plan, bytes);
  if (!checked_mul(bytes, plan.band.groups, bytes)) {
    return node_error(Code::kOutOfMemory, node, "the padded input does not fit memory");
  }
  plan.block = plan.whole_chunks ? choose_block(shape.out_channels, chunk, bytes) : shape.out_channels;
  lay_out_sites(plan);

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
