#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "base/divide.h"
#include "ops/depthwise_bands.h"

namespace intaglio {

namespace {

// Cells of one part are kept below this, so that they stay in the first-level cache with weights and outputs.
constexpr std::int64_t kCellBudget = 24 * 1024;
constexpr std::int64_t kMaxBandRows = 32;
constexpr std::int64_t kMinSegment = 8;  // output columns
// Cycles, roughly: one chunk of one tap; making a chunk of cells; a run of cells; a call of a kernel with what leads to
// it.
constexpr double kTapCycles = 5;
constexpr double kInterleaveCycles = 5.5;
constexpr double kRunCycles = 4;
constexpr double kCallCycles = 30;

// Whether every column is a site, in whole chunks that may overlap, rather than chunks that run on from column to
// column. Running on is for channels that would fill their chunks badly, if enough chunks share weights; it makes
// columns that are not neighbours costlier to interleave.
bool wants_whole_chunks(const DepthwiseShape& shape, std::int64_t chunk) {
  const std::int64_t channels = shape.out_channels;
  if (channels < chunk) return false;
  if (shape.stride_w > 1 || channels * shape.out_width / std::lcm(channels, chunk) < 3) return true;
  return 8 * channels > 7 * divide_up(channels, chunk) * chunk;
}

// The channels of the smallest block that is worth having: where columns are not neighbours, whole rows are interleaved
// faster than pieces of them.
std::int64_t least_block(const BandPlan& plan) {
  const std::int64_t channels = plan.shape.out_channels;
  const auto chunk = static_cast<std::int64_t>(plan.kernels->chunk);
  const bool divisible =
      plan.whole_chunks && (plan.shape.stride_w == 1 || channels % chunk == 0 || channels > 4 * chunk);
  return divisible ? chunk : channels;
}

// The columns of a stream that `columns` output columns need.
std::int64_t stream_columns(const BandPlan& plan, std::int64_t columns) {
  const DepthwiseShape& shape = plan.shape;
  return ((columns - 1) * shape.stride_w + (shape.kernel_w - 1) * shape.dilation_w) / plan.fold + 1;
}

// Output columns done together: all, or as many as keep `bytes` for each column of the streams within the budget.
std::int64_t choose_segment(const BandPlan& plan, std::int64_t bytes) {
  const DepthwiseShape& shape = plan.shape;
  const std::int64_t beyond = stream_columns(plan, 1) - 1;
  const std::int64_t most = std::max((kCellBudget / bytes - beyond) * plan.fold / shape.stride_w, kMinSegment);
  if (most >= shape.out_width) return shape.out_width;
  const std::int64_t width = divide_up(shape.out_width, divide_up(shape.out_width, most));
  // Whole sites.
  const auto chunk = static_cast<std::int64_t>(plan.kernels->chunk);
  const std::int64_t unit = plan.whole_chunks ? 1 : chunk / std::gcd(shape.out_channels, chunk);
  return std::min(divide_up(width, unit) * unit, shape.out_width);
}

// The band of the least cost per output row, among those whose cells fit the budget if any does. `bytes` are those of
// one column of the streams.
DepthwiseBand choose_band(const BandPlan& plan, std::int64_t bytes) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  DepthwiseBand best = {1, divide_up(shape.kernel_h, group_rows), 0, 1, 0};
  if (shape.stride_h % shape.dilation_h != 0) return best;
  best.advance = shape.stride_h / shape.dilation_h;
  best.cycle = group_rows / std::gcd(best.advance, group_rows);
  best.cycle_groups = best.cycle * best.advance / group_rows;

  const double chunks = static_cast<double>(shape.out_channels) / static_cast<double>(plan.kernels->chunk);
  const double tap_cycles = static_cast<double>(shape.out_width) * chunks * kTapCycles;
  double best_cost = 0;
  std::int64_t taps = 0;  // of all rows of the band
  for (std::int64_t rows = 1; rows <= std::min(kMaxBandRows, shape.out_height); ++rows) {
    const std::int64_t start = (rows - 1) * best.advance;
    taps += divide_up(start % group_rows + shape.kernel_h, group_rows) * shape.kernel_w;
    const std::int64_t groups = divide_up(start + shape.kernel_h, group_rows);
    if (rows > 1 && groups > kCellBudget / bytes / std::min(stream_columns(plan, shape.out_width), kMinSegment)) break;

    const std::int64_t segment = choose_segment(plan, bytes * groups);
    const auto segments = static_cast<double>(divide_up(shape.out_width, segment));
    const double columns = segments * static_cast<double>(plan.stream_count * stream_columns(plan, segment));
    const double runs = plan.fold == 1 && least_block(plan) == shape.out_channels ? segments : columns;
    const double group_cycles = columns * chunks * kInterleaveCycles + runs * kRunCycles +
                                segments * static_cast<double>(plan.stream_count) * kCallCycles;
    const double calls =
        shape.out_width == 1 ? static_cast<double>(std::min(rows, best.cycle)) : static_cast<double>(rows) * segments;
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

// The multiple of the smallest block whose cells fit the budget, if any do: the one with the fewest chunks in all
// blocks, and of those the largest.
std::int64_t choose_block(std::int64_t channels, std::int64_t least, std::int64_t bytes_of_least) {
  const std::int64_t most = std::clamp<std::int64_t>(kCellBudget / bytes_of_least, 1, channels / least);
  std::int64_t best = 1;
  for (std::int64_t size = 1; size <= most; ++size) {
    if (divide_up(channels, size * least) * size <= divide_up(channels, best * least) * best) best = size;
  }
  return best * least;
}

// What all rows of a whole segment have in common.
void lay_out_sites(BandPlan& plan) {
  const DepthwiseShape& shape = plan.shape;
  const auto chunk = static_cast<std::int64_t>(plan.kernels->chunk);
  const std::int64_t step = plan.whole_chunks ? plan.block : std::lcm(plan.block, chunk);
  DepthwiseOutputs& outputs = plan.outputs;
  outputs.period = static_cast<std::size_t>(shape.out_channels);
  outputs.chunk_modulo_period = plan.kernels->chunk % outputs.period;
  outputs.weight_step = (outputs.period + plan.kernels->chunk) * kCellBytes;
  outputs.width = static_cast<std::size_t>(step);
  outputs.sites = static_cast<std::size_t>(plan.segment * plan.block / step);
  outputs.rest = static_cast<std::size_t>(plan.segment * plan.block % step);
  outputs.cells_step = shape.stride_w / plan.fold * step * static_cast<std::int64_t>(kCellBytes);
  const bool neighbours = plan.whole_chunks && shape.stride_w == 1 && shape.dilation_w == 1;
  outputs.run = neighbours && shape.kernel_w == 3 ? 3 : 1;
  outputs.out_step = plan.whole_chunks ? shape.out_channels : step;
}

// The streams of each segment.
Status make_streams(const Node& node, Planner& planner, BandPlan& plan) {
  const DepthwiseShape& shape = plan.shape;
  plan.stream_columns = stream_columns(plan, plan.segment);
  const std::int64_t segments = divide_up(shape.out_width, plan.segment);
  auto* stream = planner.make<DepthwiseStream>(static_cast<std::size_t>(segments * plan.stream_count));
  if (stream == nullptr) return out_of_memory(node);
  plan.streams = stream;
  for (std::int64_t segment = 0; segment < segments; ++segment) {
    const std::int64_t start = segment * plan.segment;
    const std::int64_t columns = stream_columns(plan, std::min(plan.segment, shape.out_width - start));
    for (std::int64_t kx = 0; kx < plan.stream_count; ++kx) {
      const std::int64_t phase = kx * shape.dilation_w % plan.fold;
      // Padded columns from the stream's first to the input.
      const std::int64_t left = shape.left - phase - start * shape.stride_w;
      const auto first_from = [&](std::int64_t column) {
        return std::min(divide_up(std::max<std::int64_t>(column, 0), plan.fold), columns);
      };
      const std::int64_t first = first_from(left);
      *stream++ = {phase, first, first_from(left + shape.width), columns, first * plan.fold - left};
    }
  }
  return {};
}

}  // namespace

Status plan_bands(const Node& node, Planner& planner, BandPlan& plan) {
  const DepthwiseShape& shape = plan.shape;
  const auto chunk = static_cast<std::int64_t>(plan.kernels->chunk);
  constexpr auto kBytes = static_cast<std::int64_t>(kCellBytes);
  constexpr auto kLine = static_cast<std::int64_t>(kAlignment);

  plan.whole_chunks = wants_whole_chunks(shape, chunk);
  plan.fold = plan.whole_chunks ? 1 : shape.stride_w;
  // Phases repeat from the first.
  plan.stream_count = std::min(shape.kernel_w, plan.fold / std::gcd(shape.dilation_w, plan.fold));
  const std::int64_t least = least_block(plan);
  const std::int64_t bytes = plan.stream_count * least * kBytes;
  plan.band = choose_band(plan, bytes);
  plan.segment = choose_segment(plan, bytes * plan.band.groups);
  INTAGLIO_TRY(make_streams(node, planner, plan));
  std::int64_t tile_bytes = 0;  // of the smallest block
  bool fits = checked_mul(bytes * plan.band.groups, plan.stream_columns, tile_bytes);
  if (!fits) return node_error(Code::kOutOfMemory, node, "the padded input does not fit memory");
  plan.block = choose_block(shape.out_channels, least, tile_bytes);
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
