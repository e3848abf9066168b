#include <algorithm>
#include <iterator>

#include "base/divide.h"
#include "gemm/layer.h"
#include "gemm/winograd_plan.h"

namespace intaglio {

namespace {

constexpr auto kSide = static_cast<std::int64_t>(kTileSide);

// Tiles next to one another in an image: how many, and the first one's first output.
struct TileRun {
  std::int64_t tiles, image, row, column;
  bool short_rows, short_columns;
};

// Calls `run(TileRun)` for the tiles of a range.
template <class Run>
void for_runs(const WinogradShape& shape, Range range, const Run& run) {
  for (const WinogradTiles& kind : shape.kinds()) {
    const std::int64_t count = shape.images * kind.down * kind.across, end = std::min(range.end, count);
    for (std::int64_t i = range.begin; i < end;) {
      const std::int64_t across = i % kind.across, down = i / kind.across % kind.down;
      const std::int64_t tiles = std::min(end - i, kind.across - across);
      run({tiles, i / kind.across / kind.down, (kind.row + down) * kSide, (kind.column + across) * kSide,
           kind.short_rows, kind.short_columns});
      i += tiles;
    }
    range = {std::max<std::int64_t>(range.begin - count, 0), range.end - count};
  }
}

void transform_inputs(const WinogradPlan& plan, const std::uint8_t* input, std::int16_t* output, Range tiles) {
  const WinogradLayer& layer = plan.layer;
  WinogradInputs inputs;
  inputs.row_stride = plan.row_stride;
  inputs.position_stride = layer.shape.channels;
  inputs.channels = static_cast<std::size_t>(plan.channels);
  inputs.product_stride = plan.input_stride;
  for_runs(layer.shape, tiles, [&](const TileRun& run) {
    inputs.input =
        input + run.image * plan.image_stride + run.row * plan.row_stride + run.column * layer.shape.channels;
    inputs.tiles = static_cast<std::size_t>(run.tiles);
    inputs.short_rows = run.short_rows;
    inputs.short_columns = run.short_columns;
    inputs.output = output;
    plan.transforms->inputs(inputs);
    output += run.tiles * plan.channels;
  });
}

// The weights of one block of columns, for two rows of products.
void transform_weights(const WinogradPlan& plan, std::int64_t column_block, std::size_t pair, std::int16_t* output) {
  const std::int64_t panels = plan.width / static_cast<std::int64_t>(kPanelColumns);
  WinogradWeights weights;
  weights.input = plan.weights.panels + column_block * plan.block_bytes;
  weights.groups = plan.groups;
  weights.pair = pair;
  weights.output = output;
  weights.product_stride = plan.weight_stride;
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    plan.transforms->weights(weights);
    weights.input += plan.weights.panel_bytes;
    weights.output += panel_bytes(weights.groups) / sizeof(std::int16_t);
  }
}

// The products of one block of columns in two rows. Each fetches its part of what is transformed next, which would wait
// for weights that come from beyond the second-level cache.
void multiply(const WinogradPlan& plan, Range tiles, std::int64_t column_block, std::size_t pair,
              const std::int16_t* inputs, const std::int16_t* weights, std::int32_t* sums, const Fetch& next) {
  const std::int64_t count = tiles.end - tiles.begin;
  WinogradProduct product;
  product.input_stride = plan.channels * static_cast<std::int64_t>(sizeof(std::int16_t));
  product.groups = plan.groups;
  product.next.bytes = divide_up(next.bytes, kPatchProducts);
  for (std::size_t i = 0; i < kPairProducts; ++i, weights += plan.weight_stride) {
    const std::size_t number = kRowPairs[pair][i / kPatchSide] * kPatchSide + i % kPatchSide;
    const auto place = static_cast<std::int64_t>(number);
    std::int32_t* const sum = sums + place * plan.sum_stride;
    const Range with = plan.tiles_with[number];
    const Range own = {std::clamp<std::int64_t>(with.begin - tiles.begin, 0, count),
                       std::clamp<std::int64_t>(with.end - tiles.begin, 0, count)};
    if (own.begin < own.end) {
      // Where that is one row, a neighbour comes along, the one before where there may be no memory behind. Its sums
      // are not read, or become zeros below.
      const std::int64_t rows = std::max(own.end - own.begin, std::int64_t{kLeastProductRows});
      const std::int64_t first = std::max<std::int64_t>(std::min(own.begin, count - rows), 0);
      product.rows = static_cast<std::size_t>(rows);
      product.input = reinterpret_cast<const std::uint8_t*>(inputs + place * plan.input_stride + first * plan.channels);
      product.weights = reinterpret_cast<const std::int8_t*>(weights);
      product.bias = number == kBiasProduct ? plan.weights.bias + column_block * plan.width : plan.weights.no_bias;
      product.sums = sum + first * plan.width;
      product.next.first = next.first + number * product.next.bytes;
      plan.products->multiply(product);
    }
    std::fill(sum, sum + own.begin * plan.width, 0);
    std::fill(sum + own.end * plan.width, sum + count * plan.width, 0);
  }
}

// All outputs of one block of columns.
void transform_outputs(const WinogradPlan& plan, std::int64_t first_column, const std::int32_t* sums,
                       std::uint8_t* output, Range tiles) {
  const WinogradShape& shape = plan.layer.shape;
  WinogradOutputs outputs;
  outputs.product_stride = plan.sum_stride;
  outputs.tile_stride = plan.width;
  outputs.row_stride = shape.width * shape.columns;
  outputs.position_stride = shape.columns;
  const std::int64_t last = std::min(first_column + plan.width, shape.columns);
  for (std::int64_t panel = first_column; panel < last; panel += static_cast<std::int64_t>(kPanelColumns)) {
    outputs.columns = std::min(static_cast<std::size_t>(last - panel), kPanelColumns);
    outputs.requantization = from_column(plan.layer.requantization, panel);
    outputs.sums = sums + (panel - first_column);
    for_runs(shape, tiles, [&](const TileRun& run) {
      outputs.tiles = static_cast<std::size_t>(run.tiles);
      outputs.short_rows = run.short_rows;
      outputs.short_columns = run.short_columns;
      outputs.rows = static_cast<std::size_t>(std::min(kSide, shape.height - run.row));
      outputs.positions = static_cast<std::size_t>(shape.width - run.column);
      outputs.output =
          output + ((run.image * shape.height + run.row) * shape.width + run.column) * shape.columns + panel;
      plan.transforms->outputs(outputs);
      outputs.sums += run.tiles * plan.width;
    });
  }
}

}  // namespace

Range WinogradPlan::lines_of(int part) const {
  const WinogradShape& shape = layer.shape;
  Range lines = {layer.lines.count(), 0};
  for_runs(shape, tiles_of(part), [&](const TileRun& run) {
    const std::int64_t first = run.image * shape.patch_rows() + run.row;
    lines.begin = std::min(lines.begin, first);
    lines.end = std::max(lines.end, first + static_cast<std::int64_t>(run.short_rows ? kShortPatchSide : kPatchSide));
  });
  return lines;
}

void run_winograd(const void* arguments, const Memory& memory, int part, int /*parts*/) {
  const auto& plan = *static_cast<const WinogradPlan*>(arguments);
  const WinogradLayer& layer = plan.layer;
  const Range tiles = plan.tiles_of(part), blocks = plan.blocks_of(part);
  if (tiles.begin == tiles.end || blocks.begin == blocks.end) return;

  std::uint8_t* output = memory.at<std::uint8_t>(layer.output);
  std::byte* scratch = memory.at<std::byte>(plan.scratch.of(part));
  const std::uint8_t* input = memory.at<const std::uint8_t>(layer.input);
  if (plan.pads) {
    const Range lines = plan.lines_of(part);
    auto* const padded =
        memory.at<std::uint8_t>(plan.lines.of(part)) + plan.lines_offset - lines.begin * layer.lines.line_bytes();
    layer.lines.copy(input, lines, padded);
    input = padded;
  } else {
    input += layer.lines.tensor_offset();
  }
  auto* inputs = reinterpret_cast<std::int16_t*>(scratch);
  auto* weights = reinterpret_cast<std::int16_t*>(scratch + plan.weights_offset);
  auto* sums = reinterpret_cast<std::int32_t*>(scratch + plan.sums_offset);
  for (std::int64_t begin = tiles.begin; begin < tiles.end; begin += plan.tiles_at_once) {
    const Range at_once = {begin, std::min(begin + plan.tiles_at_once, tiles.end)};
    transform_inputs(plan, input, inputs, at_once);
    for (std::int64_t column_block = blocks.begin; column_block < blocks.end; ++column_block) {
      const bool last = column_block + 1 == blocks.end;
      Fetch next = {plan.weights.panels + (last ? blocks.begin : column_block + 1) * plan.block_bytes,
                    static_cast<std::size_t>(plan.block_bytes)};
      if (last && at_once.end == tiles.end && plan.next != nullptr) next = plan.next[part];
      for (std::size_t pair = 0; pair < std::size(kRowPairs); ++pair) {
        transform_weights(plan, column_block, pair, weights);
        multiply(plan, at_once, column_block, pair, inputs, weights, sums, next);
      }
      transform_outputs(plan, column_block * plan.width, sums, output, at_once);
    }
  }
}

}  // namespace intaglio
