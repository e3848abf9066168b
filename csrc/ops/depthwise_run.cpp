#include <algorithm>

#include "ops/depthwise.h"

namespace intaglio {

namespace {

// The output rows [first, first + rows) of one image, done together.
struct Band {
  const std::uint8_t* image;
  std::int64_t first;
  std::int64_t rows;
};

void fill(std::uint32_t* cells, std::int64_t count, std::uint32_t value) { std::fill(cells, cells + count, value); }

// Repeats each of a row's channels `multiplier` times, for the output channels [channel, channel + block).
void repeat_channels(const DepthwisePlan& plan, const std::uint8_t* row, std::int64_t channel, std::uint8_t* out) {
  const std::int64_t multiplier = plan.shape.multiplier();
  for (std::int64_t column = 0; column < plan.shape.width; ++column, row += plan.shape.channels) {
    for (std::int64_t c = channel; c < channel + plan.block;) {
      const std::int64_t count = std::min(multiplier - c % multiplier, channel + plan.block - c);
      std::fill(out, out + count, row[c / multiplier]);
      out += count;
      c += count;
    }
  }
}

// Makes the cells of one group of rows, for the output channels [channel, channel + block).
void make_group(const DepthwisePlan& plan, const Band& band, std::int64_t group, std::int64_t channel,
                std::uint8_t* cells, std::uint8_t* repeated) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::int64_t used = (band.rows - 1) * plan.band.advance + shape.kernel_h;  // input rows with a tap
  const std::uint8_t* rows[DepthwisePlan::kMaxGroupRows];
  for (std::int64_t i = 0; i < group_rows; ++i) {
    const std::int64_t k = group * group_rows + i;
    const std::int64_t y = band.first * shape.stride_h - shape.top + k * shape.dilation_h;
    const bool inside = k < used && y >= 0 && y < shape.height;
    rows[i] = inside ? band.image + y * shape.width * shape.channels : plan.padding_row;
    if (repeated != nullptr) {
      std::uint8_t* copy = repeated + i * plan.repeated_row_bytes;
      repeat_channels(plan, rows[i], channel, copy);
      rows[i] = copy;
    } else {
      rows[i] += channel;
    }
  }

  const std::int64_t column_bytes = repeated != nullptr ? plan.block : shape.channels;
  const bool contiguous = shape.stride_w == 1 && plan.block == column_bytes;
  for (std::int64_t i = 0; i < plan.stream_count; ++i, cells += plan.stream_bytes) {
    const DepthwiseStream& stream = plan.streams[i];
    const std::int64_t inside = stream.end - stream.first;
    const std::int64_t column = stream.first * shape.stride_w + stream.phase - shape.left;
    const std::uint8_t* at[DepthwisePlan::kMaxGroupRows];
    for (std::int64_t row = 0; row < group_rows; ++row) at[row] = rows[row] + column * column_bytes;

    DepthwiseInterleave work;
    work.rows = at;
    work.runs = static_cast<std::size_t>(contiguous ? 1 : inside);
    work.width = static_cast<std::size_t>(contiguous ? inside * plan.block : plan.block);
    work.run_step = shape.stride_w * column_bytes;
    work.cells_step = plan.block * static_cast<std::int64_t>(kCellBytes);
    work.cells = cells + stream.first * work.cells_step;
    if (inside > 0) plan.kernels->interleave(work);

    auto* columns = reinterpret_cast<std::uint32_t*>(cells);
    fill(columns, stream.first * plan.block, plan.padding_cell);
    fill(columns + stream.end * plan.block, (plan.stream_columns - stream.end) * plan.block, plan.padding_cell);
  }
}

// The arrays per channel, from `channel` on.
Requantization advanced(Requantization requantization, std::int64_t channel) {
  if (requantization.scale != nullptr) {
    requantization.scale += channel;
  } else {
    requantization.multiplier += channel;
    requantization.shift += channel;
  }
  return requantization;
}

void run_band(const DepthwisePlan& plan, const Band& band, std::uint8_t* out, std::uint8_t* scratch) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::int64_t used = (band.rows - 1) * plan.band.advance + shape.kernel_h;
  const std::int64_t groups = (used + group_rows - 1) / group_rows;
  std::uint8_t* repeated = plan.repeated_row_bytes > 0 ? scratch + plan.band.groups * plan.group_bytes : nullptr;

  DepthwiseOutputs work;
  work.period = static_cast<std::size_t>(shape.out_channels);
  work.weight_step = (work.period + plan.kernels->chunk) * kCellBytes;
  work.count = static_cast<std::size_t>(shape.out_width * plan.block);
  work.step = static_cast<std::size_t>(plan.step);
  work.out_step = plan.block == shape.out_channels ? plan.step : shape.out_channels;

  for (std::int64_t channel = 0; channel < shape.out_channels; channel += plan.block) {
    for (std::int64_t group = 0; group < groups; ++group) {
      make_group(plan, band, group, channel, scratch + group * plan.group_bytes, repeated);
    }
    work.bias = plan.bias + channel;
    work.requantization = advanced(plan.requantization, channel);
    for (std::int64_t row = 0; row < band.rows; ++row) {
      const std::int64_t start = row * plan.band.advance;
      const DepthwisePlace& place = plan.places[start % group_rows];
      work.cells = scratch + start / group_rows * plan.group_bytes;
      work.taps = place.taps;
      work.tap_count = place.tap_count;
      work.weights = place.weights + channel * static_cast<std::int64_t>(kCellBytes);
      work.out = out + row * shape.out_width * shape.out_channels + channel;
      plan.kernels->outputs(work);
    }
  }
}

}  // namespace

void run_depthwise(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& plan = *static_cast<const DepthwisePlan*>(arguments);
  const DepthwiseShape& shape = plan.shape;
  const auto* x = memory.at<const std::uint8_t>(plan.x);
  auto* y = memory.at<std::uint8_t>(plan.y);
  auto* scratch = memory.at<std::uint8_t>(plan.scratch) + part * plan.scratch_bytes;
  const Range rows = split(shape.batch * shape.out_height, part, parts);
  for (std::int64_t row = rows.begin; row < rows.end;) {
    const std::int64_t image = row / shape.out_height;
    const std::int64_t first = row % shape.out_height;
    const std::int64_t count = std::min({plan.band.rows, shape.out_height - first, rows.end - row});
    const Band band = {x + image * shape.height * shape.width * shape.channels, first, count};
    run_band(plan, band, y + row * shape.out_width * shape.out_channels, scratch);
    row += count;
  }
}

}  // namespace intaglio
