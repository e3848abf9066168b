#include "gemm/winograd.h"

#include <algorithm>

#include "base/checked.h"
#include "base/divide.h"
#include "gemm/sharing.h"
#include "gemm/winograd_plan.h"

namespace intaglio {

namespace {

constexpr auto kSide = static_cast<std::int64_t>(kTileSide);
constexpr auto kPatchOverlap = static_cast<std::int64_t>(kPatchSide - kTileSide);
constexpr auto kProducts = static_cast<std::int64_t>(kPatchProducts);
constexpr auto kWindow = static_cast<std::int64_t>(kWindowWeights);
constexpr auto kLine = static_cast<std::int64_t>(kAlignment);
constexpr std::int64_t kWordBytes = sizeof(std::int16_t);
constexpr std::int64_t kSumBytes = sizeof(std::int32_t);
// Transformed inputs and sums of the tiles done together stay in the second-level cache, with the transformed weights
// of a block of columns; the more tiles, the less often weights are transformed.
constexpr std::int64_t kMostInputBytes = 512 * 1024;
constexpr std::int64_t kMostSumBytes = 256 * 1024;
constexpr std::int64_t kLeastTiles = 24;
// What tiles have to gain for their scratch memory, and for estimates being what they are.
constexpr double kLeastGain = 1.1;

// Along an axis of so many outputs: whether the last tile is short, and the positions that the patches cover.
constexpr bool last_is_short(std::int64_t outputs) {
  return (outputs - 1) % kSide < static_cast<std::int64_t>(kShortSide);
}
constexpr std::int64_t patch_positions(std::int64_t outputs) {
  const std::int64_t missing = last_is_short(outputs) ? std::int64_t{kPatchSide - kShortPatchSide} : 0;
  return divide_up(outputs, kSide) * kSide + kPatchOverlap - missing;
}

// The tiles done together at most.
std::int64_t most_tiles(std::int64_t channels, std::int64_t width) {
  return std::max(
      std::min(kMostInputBytes / (kProducts * channels * kWordBytes), kMostSumBytes / (kProducts * width * kSumBytes)),
      kLeastTiles);
}

double padded(std::int64_t count, std::size_t unit) {
  return static_cast<double>(align_up(static_cast<std::size_t>(count), unit));
}

// What it takes one part to do so many tiles in so many columns, whole blocks of them, in picoseconds.
double part_time(const Kernels& kernels, const WinogradShape& shape, std::int64_t tiles, std::int64_t columns) {
  const WinogradProducts& products = *kernels.winograd_products;
  const WinogradTransforms& transforms = *kernels.winograd_transforms;
  const auto channels = static_cast<double>(shape.channels), outputs = static_cast<double>(columns);
  const auto width = static_cast<std::int64_t>(products.columns);
  const auto times = static_cast<double>(divide_up(tiles, most_tiles(shape.channels, width)));
  const double rows = std::max(static_cast<double>(shape.products() * tiles) / static_cast<double>(shape.tiles()),
                               static_cast<double>(std::int64_t{kLeastProductRows} * kProducts));
  const double tile =
      padded(shape.channels, transforms.channels) * transforms.input_cost + outputs * transforms.output_cost;
  return rows * channels * outputs * products.product_cost + static_cast<double>(tiles) * tile +
         times * channels * outputs * transforms.weight_cost;
}

// The sharing that takes least; among equals, the one that cuts columns least.
void share_out(WinogradPlan& plan, const Kernels& kernels, int parts) {
  const WinogradShape& shape = plan.layer.shape;
  const std::int64_t blocks = divide_up(shape.columns, plan.width);
  const double foreign_cost = static_cast<double>(kForeignByteCost) * kernels.winograd_products->window_cost;
  double least = 1e30;
  for (int column_ways = 1; column_ways <= parts; ++column_ways) {
    if (parts % column_ways != 0) continue;
    const std::int64_t tiles = divide_up(shape.tiles(), parts / column_ways);
    const std::int64_t columns = divide_up(blocks, column_ways) * plan.width;
    // Parts of the same tiles read what others wrote, and write what others will read.
    const std::int64_t bytes = tiles * kSide * kSide * (shape.channels + columns) * (column_ways - 1) / column_ways;
    const double time = part_time(kernels, shape, tiles, columns) + static_cast<double>(bytes) * foreign_cost;
    if (time < least) {
      least = time;
      plan.tile_ways = parts / column_ways;
      plan.column_ways = column_ways;
    }
  }
}

// Bytes of a matrix, in lines of cache of an odd number: those of all products at one place are then in different sets.
std::int64_t odd_lines(std::int64_t bytes) { return (divide_up(bytes, kLine) | 1) * kLine; }

// Returns the bytes of one part's scratch memory without padded lines.
std::int64_t lay_out_scratch(WinogradPlan& plan) {
  const std::int64_t tiles = divide_up(plan.layer.shape.tiles(), plan.tile_ways);
  plan.tiles_at_once = divide_up(tiles, divide_up(tiles, most_tiles(plan.layer.shape.channels, plan.width)));
  const std::int64_t rows = std::max(plan.tiles_at_once, std::int64_t{kLeastProductRows});
  const std::int64_t input_bytes = odd_lines(rows * plan.channels * kWordBytes);
  const std::int64_t weight_bytes = odd_lines(static_cast<std::int64_t>(plan.groups * kGroupBytes) * plan.width);
  const std::int64_t sum_bytes = odd_lines(rows * plan.width * kSumBytes);
  plan.input_stride = input_bytes / kWordBytes;
  plan.weight_stride = weight_bytes / kWordBytes;
  plan.sum_stride = sum_bytes / kSumBytes;
  plan.weights_offset = kProducts * input_bytes;
  plan.sums_offset = plan.weights_offset + static_cast<std::int64_t>(kPairProducts) * weight_bytes;
  return plan.sums_offset + kProducts * sum_bytes;
}

// The bytes of one part's padded lines.
std::int64_t padded_bytes(const WinogradPlan& plan) {
  std::int64_t lines = 0;
  for (int part = 0; plan.pads && part < plan.tile_ways * plan.column_ways; ++part) {
    const Range range = plan.lines_of(part);
    lines = std::max(lines, range.end - range.begin);
  }
  return lines * plan.layer.lines.line_bytes();
}

}  // namespace

std::int64_t WinogradShape::tiles_down() const { return divide_up(height, kSide); }
std::int64_t WinogradShape::tiles_across() const { return divide_up(width, kSide); }
std::int64_t WinogradShape::patch_rows() const { return patch_positions(height); }
std::int64_t WinogradShape::patch_columns() const { return patch_positions(width); }

std::array<WinogradTiles, 4> WinogradShape::kinds() const {
  const std::int64_t rows = tiles_down() - last_is_short(height), columns = tiles_across() - last_is_short(width);
  const std::int64_t bottom = tiles_down() - rows, right = tiles_across() - columns;
  return {{{rows, 0, bottom, columns, true, false},
           {0, 0, rows, columns, false, false},
           {0, columns, rows, right, false, true},
           {rows, columns, bottom, right, true, true}}};
}

Range WinogradShape::tiles_with(std::size_t product) const {
  const bool lacks_rows = short_lacks(product / kPatchSide), lacks_columns = short_lacks(product % kPatchSide);
  Range range = {0, 0};
  for (const WinogradTiles& kind : kinds()) {
    const std::int64_t count = images * kind.down * kind.across;
    if ((kind.short_rows && lacks_rows) || (kind.short_columns && lacks_columns)) {
      // Tiles that come before the range; those behind it do not move it.
      if (range.begin == range.end) range = {range.begin + count, range.end + count};
    } else {
      range.end += count;
    }
  }
  return range;
}

std::int64_t WinogradShape::products() const {
  std::int64_t sum = 0;
  for (std::size_t product = 0; product < kPatchProducts; ++product) {
    const Range range = tiles_with(product);
    sum += range.end - range.begin;
  }
  return sum;
}

bool winograd_pays(const Kernels& kernels, const WinogradShape& shape) {
  if (kernels.winograd_products == nullptr || kernels.winograd_transforms == nullptr) return false;
  const WinogradProducts& products = *kernels.winograd_products;
  if (products.windows != kernels.gemm) return false;
  const auto columns = static_cast<std::int64_t>(padded(shape.columns, products.columns));
  const double windows = static_cast<double>(shape.images * shape.height * shape.width) * kWindow *
                         static_cast<double>(shape.channels) * static_cast<double>(shape.columns) *
                         products.window_cost;
  return kLeastGain * part_time(kernels, shape, shape.tiles(), columns) < windows;
}

Status emit_winograd(const Node& node, Planner& planner, const WinogradLayer& layer) {
  const WinogradShape& shape = layer.shape;
  auto weights = pack_windows(node, planner, layer.weights, layer.bias, layer.input_zero_point);
  if (!weights.ok()) return weights.status();
  auto* plan = planner.make<WinogradPlan>();
  auto* first_weights = planner.make<Fetch>(static_cast<std::size_t>(planner.threads()));
  if (plan == nullptr || first_weights == nullptr) return out_of_memory(node);
  Step step;
  step.macs = saturating_product(shape.images * shape.height * shape.width * shape.columns, kWindow * shape.channels);
  step.parts = planner.parts_for(step.macs);
  plan->transforms = planner.kernels().winograd_transforms;
  plan->products = planner.kernels().winograd_products;
  plan->layer = layer;
  plan->pads = !layer.lines.inside();
  plan->weights = weights.value();
  plan->channels =
      static_cast<std::int64_t>(align_up(static_cast<std::size_t>(shape.channels), plan->transforms->channels));
  plan->width = static_cast<std::int64_t>(plan->products->columns);
  plan->groups = divide_up(static_cast<std::size_t>(shape.channels), kGroupChannels);
  plan->block_bytes = plan->width / static_cast<std::int64_t>(kPanelColumns) * plan->weights.panel_bytes;
  for (std::size_t product = 0; product < kPatchProducts; ++product) {
    plan->tiles_with[product] = shape.tiles_with(product);
  }
  const std::int64_t row_positions = plan->pads ? layer.lines.region.columns : layer.lines.width;
  plan->row_stride = row_positions * layer.lines.position_bytes;
  plan->image_stride = (plan->pads ? layer.lines.region.rows : layer.lines.height) * plan->row_stride;
  share_out(*plan, planner.kernels(), step.parts);
  for (int part = 0; part < planner.threads(); ++part) {
    const Range blocks = plan->blocks_of(part < step.parts ? part : 0);
    first_weights[part] = {plan->weights.panels + blocks.begin * plan->block_bytes,
                           static_cast<std::size_t>(plan->block_bytes)};
  }
  const std::int64_t scratch_bytes = lay_out_scratch(*plan), line_bytes = padded_bytes(*plan);
  // Parts have one piece of memory each. Of a single part, two pieces find room where one would not.
  plan->lines_offset = step.parts > 1 ? scratch_bytes : 0;
  plan->lines = planner.part_scratch(static_cast<std::uint64_t>(plan->lines_offset + line_bytes), step.parts);
  plan->scratch = planner.part_scratch(static_cast<std::uint64_t>(scratch_bytes), step.parts);
  step.run = &run_winograd;
  step.arguments = plan;
  step.kernel = plan->products->name;
  step.reads = first_weights;
  step.fetches = &plan->next;
  step.reason = "tiles of 4x4 outputs: a quarter of the products";
  return planner.emit(step);
}

}  // namespace intaglio
