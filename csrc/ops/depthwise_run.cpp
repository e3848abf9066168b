#include <algorithm>
#include <cstring>

#include "ops/depthwise.h"

namespace intaglio {

namespace {

// The output rows [first, first + rows) of one image, done together.
struct Band {
  const std::uint8_t* image;
  std::int64_t first;
  std::int64_t rows;
};

// Fills columns [first, end) of a stream with zero points.
void pad(const DepthwisePlan& plan, std::uint8_t* stream, std::int64_t first, std::int64_t end) {
  auto* cells = reinterpret_cast<std::uint32_t*>(stream);
  std::fill(cells + first * plan.block, cells + end * plan.block, plan.padding_cell);
}

// Interleaving leaves the padding columns alone, but for those that follow the input where chunks are not whole.
void pad_all(const DepthwisePlan& plan, std::uint8_t* scratch) {
  for (std::int64_t group = 0; group < plan.band.groups; ++group, scratch += plan.group_bytes) {
    for (std::int64_t i = 0; i < plan.stream_count; ++i) {
      const DepthwiseStream& stream = plan.streams[i];
      pad(plan, scratch + i * plan.stream_bytes, 0, stream.first);
      pad(plan, scratch + i * plan.stream_bytes, stream.end, plan.stream_columns);
    }
  }
}

// Repeats each of a row's channels `multiplier` times, for the output channels [channel, channel + block). Writes up to
// 7 bytes past the end.
void repeat_channels(const DepthwisePlan& plan, const std::uint8_t* row, std::int64_t channel, std::uint8_t* out) {
  const std::int64_t multiplier = plan.shape.multiplier();
  const std::int64_t first = channel / multiplier;
  const std::int64_t first_left = multiplier - channel % multiplier;
  for (std::int64_t column = 0; column < plan.shape.width; ++column, row += plan.shape.channels) {
    std::uint8_t* const end = out + plan.block;
    std::int64_t left = first_left;
    for (const std::uint8_t* value = row + first; out < end; ++value) {
      const std::uint64_t eight = *value * 0x0101010101010101U;
      left = std::min(left, end - out);
      for (std::int64_t i = 0; i < left; i += 8) std::memcpy(out + i, &eight, sizeof(eight));
      out += left;
      left = multiplier;
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

    if (!plan.whole_chunks) {
      const std::int64_t reach = (static_cast<std::int64_t>(plan.kernels->chunk) + plan.block - 2) / plan.block;
      pad(plan, cells, stream.end, std::min(stream.end + reach, plan.stream_columns));
    }
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

// The output rows of a band, for the output channels [channel, channel + block). `out` is their first output.
void compute_band(const DepthwisePlan& plan, std::int64_t rows, std::int64_t channel, std::uint8_t* out,
                  const std::uint8_t* scratch) {
  const DepthwiseShape& shape = plan.shape;
  const std::int64_t row_bytes = shape.out_width * shape.out_channels;
  const std::int64_t cycle_bytes = plan.band.cycle_groups * plan.group_bytes;
  for (std::int64_t first = 0; first < std::min(plan.band.cycle, rows); ++first) {
    const DepthwisePlace& place = plan.places[first];
    DepthwiseOutputs work = plan.outputs;
    work.bias += channel;
    work.requantization = advanced(work.requantization, channel);
    const std::int64_t cycles = (rows - first + plan.band.cycle - 1) / plan.band.cycle;
    work.taps = place.taps;
    work.tap_count = place.tap_count;
    work.weights = place.weights + channel * static_cast<std::int64_t>(kCellBytes);
    work.cells = scratch + place.first_group * plan.group_bytes;
    work.out = out + first * row_bytes;
    if (plan.whole_chunks && cycles > shape.out_width) {
      // Sites share weights down the rows.
      work.sites = static_cast<std::size_t>(cycles);
      work.cells_step = cycle_bytes;
      work.run = 1;
      work.out_step = plan.band.cycle * row_bytes;
      for (std::int64_t column = 0; column < shape.out_width; ++column) {
        plan.kernels->outputs(work);
        work.cells += plan.outputs.cells_step;
        work.out += plan.outputs.out_step;
      }
    } else {
      for (std::int64_t cycle = 0; cycle < cycles; ++cycle) {
        plan.kernels->outputs(work);
        work.cells += cycle_bytes;
        work.out += plan.band.cycle * row_bytes;
      }
    }
  }
}

void run_band(const DepthwisePlan& plan, const Band& band, std::uint8_t* out, std::uint8_t* scratch) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::int64_t used = (band.rows - 1) * plan.band.advance + shape.kernel_h;
  const std::int64_t groups = (used + group_rows - 1) / group_rows;
  std::uint8_t* repeated = plan.repeated_row_bytes > 0 ? scratch + plan.band.groups * plan.group_bytes : nullptr;
  for (std::int64_t next = 0; next < shape.out_channels; next += plan.block) {
    const std::int64_t channel = std::min(next, shape.out_channels - plan.block);
    for (std::int64_t group = 0; group < groups; ++group) {
      make_group(plan, band, group, channel, scratch + group * plan.group_bytes, repeated);
    }
    compute_band(plan, band.rows, channel, out + channel, scratch);
  }
}

}  // namespace

void run_depthwise(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& plan = *static_cast<const DepthwisePlan*>(arguments);
  const DepthwiseShape& shape = plan.shape;
  const auto* x = memory.at<const std::uint8_t>(plan.x);
  auto* y = memory.at<std::uint8_t>(plan.y);
  auto* scratch = memory.at<std::uint8_t>(plan.scratch) + part * plan.scratch_bytes;
  pad_all(plan, scratch);
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
