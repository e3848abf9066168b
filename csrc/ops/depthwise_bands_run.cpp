#include <algorithm>
#include <cstring>

#include "base/divide.h"
#include "ops/depthwise_bands.h"

namespace intaglio {

namespace {

// Part of an image's output that is done together.
struct Tile {
  const std::uint8_t* image;
  std::int64_t row, rows;
  std::int64_t column, columns;
  const DepthwiseStream* streams;
  std::int64_t channel;  // the first of the block
};

// Fills columns [first, end) of a stream with zero points.
void pad(const BandPlan& plan, std::uint8_t* stream, std::int64_t first, std::int64_t end) {
  auto* cells = reinterpret_cast<std::uint32_t*>(stream);
  std::fill(cells + first * plan.block, cells + end * plan.block, plan.padding_cell);
}

// Whether padding columns, once filled, stay so for all tiles: interleaving does not write past the input's columns.
bool padding_stays(const BandPlan& plan) {
  return plan.block % static_cast<std::int64_t>(plan.kernels->chunk) == 0 && plan.segment == plan.shape.out_width;
}

void pad_all(const BandPlan& plan, std::uint8_t* scratch) {
  for (std::int64_t group = 0; group < plan.band.groups; ++group, scratch += plan.group_bytes) {
    for (std::int64_t i = 0; i < plan.stream_count; ++i) {
      const DepthwiseStream& stream = plan.streams[i];
      pad(plan, scratch + i * plan.stream_bytes, 0, stream.first);
      pad(plan, scratch + i * plan.stream_bytes, stream.end, stream.columns);
    }
  }
}

// Repeats each of a row's channels `multiplier` times, for the output channels of a block from `channel` on. Writes up
// to 7 bytes past the end.
void repeat_channels(const BandPlan& plan, const std::uint8_t* row, std::int64_t channel, std::uint8_t* out) {
  const std::int64_t multiplier = plan.shape.multiplier();
  const std::int64_t first = channel / multiplier;
  const std::int64_t first_left = multiplier - channel % multiplier;
  for (std::int64_t column = 0; column < plan.shape.width; ++column, row += plan.shape.channels) {
    std::uint8_t* const end = out + plan.block;
    std::int64_t left = first_left;
    for (const std::uint8_t* value = row + first; out < end; ++value) {
      const std::uint64_t eight = *value * 0x0101010101010101U;
      left = std::min<std::int64_t>(left, end - out);
      for (std::int64_t i = 0; i < left; i += 8) std::memcpy(out + i, &eight, sizeof(eight));
      out += left;
      left = multiplier;
    }
  }
}

// Makes the cells of one group of a tile's input rows, of which `used` have a tap. `repeated` is where to repeat
// channels.
void make_group(const BandPlan& plan, const Tile& tile, std::int64_t group, std::int64_t used, std::uint8_t* cells,
                std::uint8_t* repeated) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::uint8_t* rows[BandPlan::kMaxGroupRows];
  for (std::int64_t i = 0; i < group_rows; ++i) {
    const std::int64_t k = group * group_rows + i;
    const std::int64_t y = tile.row * shape.stride_h - shape.top + k * shape.dilation_h;
    const bool inside = k < used && y >= 0 && y < shape.height;
    rows[i] = inside ? tile.image + y * shape.width * shape.channels : plan.padding_row;
    if (repeated != nullptr) {
      std::uint8_t* copy = repeated + i * plan.repeated_row_bytes;
      repeat_channels(plan, rows[i], tile.channel, copy);
      rows[i] = copy;
    } else {
      rows[i] += tile.channel;
    }
  }

  const std::int64_t column_bytes = repeated != nullptr ? plan.block : shape.channels;
  const bool contiguous = plan.fold == 1 && plan.block == column_bytes;
  for (std::int64_t i = 0; i < plan.stream_count; ++i, cells += plan.stream_bytes) {
    const DepthwiseStream& stream = tile.streams[i];
    const std::int64_t inside = stream.end - stream.first;
    if (inside > 0) {
      const std::uint8_t* at[BandPlan::kMaxGroupRows];
      for (std::int64_t row = 0; row < group_rows; ++row) at[row] = rows[row] + stream.input_column * column_bytes;
      DepthwiseInterleave work;
      work.rows = at;
      work.runs = static_cast<std::size_t>(contiguous ? 1 : inside);
      work.width = static_cast<std::size_t>(contiguous ? inside * plan.block : plan.block);
      work.run_step = plan.fold * column_bytes;
      work.cells_step = plan.block * static_cast<std::int64_t>(kCellBytes);
      work.cells = cells + stream.first * work.cells_step;
      plan.kernels->interleave(work);
    }
    if (!padding_stays(plan)) {
      pad(plan, cells, 0, stream.first);
      pad(plan, cells, stream.end, stream.columns);
    }
  }
}

// The groups [begin, end) of a tile that one call can make: whole rows inside the image, one after another.
Range whole_groups(const BandPlan& plan, const Tile& tile, std::int64_t used) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  if (plan.fold != 1 || plan.block != shape.channels || shape.multiplier() > 1 || shape.dilation_h != 1 ||
      tile.streams[0].end <= tile.streams[0].first) {
    return {0, 0};
  }
  const std::int64_t first = tile.row * shape.stride_h - shape.top;
  const std::int64_t begin = first < 0 ? (group_rows - 1 - first) / group_rows : 0;
  const std::int64_t end = std::min(used, shape.height - first) / group_rows;
  return {std::min(begin, end), end};
}

void make_whole_groups(const BandPlan& plan, const Tile& tile, const Range& groups, std::uint8_t* scratch) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const DepthwiseStream& stream = tile.streams[0];
  const std::int64_t row_bytes = shape.width * shape.channels;
  const std::uint8_t* rows[BandPlan::kMaxGroupRows];
  rows[0] = tile.image + (tile.row * shape.stride_h - shape.top + groups.begin * group_rows) * row_bytes +
            stream.input_column * shape.channels;
  for (std::int64_t i = 1; i < group_rows; ++i) rows[i] = rows[i - 1] + row_bytes;
  DepthwiseInterleave work;
  work.rows = rows;
  work.runs = static_cast<std::size_t>(groups.end - groups.begin);
  work.width = static_cast<std::size_t>((stream.end - stream.first) * shape.channels);
  work.run_step = group_rows * row_bytes;
  work.cells = scratch + groups.begin * plan.group_bytes + stream.first * shape.channels * std::int64_t{kCellBytes};
  work.cells_step = plan.group_bytes;
  plan.kernels->interleave(work);
  if (padding_stays(plan)) return;
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    pad(plan, scratch + group * plan.group_bytes, 0, stream.first);
    pad(plan, scratch + group * plan.group_bytes, stream.end, stream.columns);
  }
}

// Sets the arrays per channel to start at `channel`.
void set_channel(const DepthwiseOutputs& plan, std::int64_t channel, DepthwiseOutputs& work) {
  work.bias = plan.bias + channel;
  if (plan.requantization.scale != nullptr) {
    work.requantization.scale = plan.requantization.scale + channel;
  } else {
    work.requantization.multiplier = plan.requantization.multiplier + channel;
    work.requantization.shift = plan.requantization.shift + channel;
  }
}

// Computes a tile from its cells. `work` is a copy of plan.outputs to be filled in, `out` the tile's first output.
void compute(const BandPlan& plan, const Tile& tile, const std::uint8_t* cells, std::uint8_t* out,
             DepthwiseOutputs& work) {
  const std::int64_t row_bytes = plan.shape.out_width * plan.shape.out_channels;
  const std::int64_t cycle = plan.band.cycle;
  const std::int64_t cycle_bytes = plan.band.cycle_groups * plan.group_bytes;
  set_channel(plan.outputs, tile.channel, work);
  for (std::int64_t first = 0; first < std::min(cycle, tile.rows); ++first) {
    const DepthwisePlace& place = plan.places[first];
    work.taps = place.taps;
    work.tap_count = place.tap_count;
    work.weights = place.weights + tile.channel * static_cast<std::int64_t>(kCellBytes);
    work.cells = cells + place.first_group * plan.group_bytes;
    work.out = out + first * row_bytes;
    const std::int64_t rows = divide_up(tile.rows - first, cycle);
    if (plan.whole_chunks && rows > tile.columns) {
      // More sites lie under one another than side by side.
      work.sites = static_cast<std::size_t>(rows);
      work.run = 1;
      work.cells_step = cycle_bytes;
      work.out_step = cycle * row_bytes;
      for (std::int64_t column = 0; column < tile.columns; ++column) {
        plan.kernels->outputs(work);
        work.cells += plan.outputs.cells_step;
        work.out += plan.outputs.out_step;
      }
      work.run = plan.outputs.run;
      work.cells_step = plan.outputs.cells_step;
      work.out_step = plan.outputs.out_step;
    } else {
      work.sites = plan.outputs.sites;
      if (tile.columns != plan.segment) {
        const auto count = static_cast<std::size_t>(tile.columns * plan.block);
        work.sites = count / work.width;
        work.rest = count % work.width;
      }
      for (std::int64_t row = 0; row < rows; ++row) {
        plan.kernels->outputs(work);
        work.cells += cycle_bytes;
        work.out += cycle * row_bytes;
      }
    }
  }
}

// Output rows [row, row + rows) of an image. `out` is their first output.
void run_band(const BandPlan& plan, const std::uint8_t* image, std::int64_t row, std::int64_t rows, std::uint8_t* out,
              std::uint8_t* scratch) {
  const DepthwiseShape& shape = plan.shape;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::int64_t used = (rows - 1) * plan.band.advance + shape.kernel_h;
  const std::int64_t groups = divide_up(used, group_rows);
  std::uint8_t* repeated = plan.repeated_row_bytes > 0 ? scratch + plan.band.groups * plan.group_bytes : nullptr;
  DepthwiseOutputs work = plan.outputs;
  Tile tile = {image, row, rows, 0, 0, plan.streams, 0};
  for (; tile.column < shape.out_width; tile.column += plan.segment, tile.streams += plan.stream_count) {
    tile.columns = std::min(plan.segment, shape.out_width - tile.column);
    for (std::int64_t next = 0; next < shape.out_channels; next += plan.block) {
      tile.channel = std::min(next, shape.out_channels - plan.block);
      const Range whole = whole_groups(plan, tile, used);
      if (whole.begin < whole.end) make_whole_groups(plan, tile, whole, scratch);
      for (std::int64_t group = 0; group < groups; ++group) {
        if (group == whole.begin) group = whole.end;
        if (group >= groups) break;
        make_group(plan, tile, group, used, scratch + group * plan.group_bytes, repeated);
      }
      compute(plan, tile, scratch, out + tile.column * shape.out_channels + tile.channel, work);
    }
  }
}

}  // namespace

void run_bands(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& plan = *static_cast<const BandPlan*>(arguments);
  const DepthwiseShape& shape = plan.shape;
  const auto* x = memory.at<const std::uint8_t>(plan.x);
  auto* y = memory.at<std::uint8_t>(plan.y);
  auto* scratch = memory.at<std::uint8_t>(plan.scratch.of(part));
  if (padding_stays(plan)) pad_all(plan, scratch);
  const Range range = split(shape.batch * shape.out_height, part, parts);
  for (std::int64_t i = range.begin; i < range.end;) {
    const std::int64_t row = i % shape.out_height;
    const std::int64_t rows = std::min({plan.band.rows, shape.out_height - row, range.end - i});
    const std::uint8_t* image = x + i / shape.out_height * shape.height * shape.width * shape.channels;
    run_band(plan, image, row, rows, y + i * shape.out_width * shape.out_channels, scratch);
    i += rows;
  }
}

}  // namespace intaglio
