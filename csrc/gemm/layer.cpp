#include "gemm/layer.h"

#include <algorithm>

#include "base/checked.h"
#include "base/divide.h"
#include "gemm/blocking.h"
#include "gemm/sharing.h"

namespace intaglio {

namespace {

// What reading a byte of weights costs, in multiply-accumulates, where they come from beyond the second-level cache:
// all that counts for a single row.
constexpr std::int64_t kWeightByteCost = 4;
// Columns whose weights are fetched before the layer begins: those of its first tiles.
constexpr std::int64_t kFetchedColumns = 2 * std::int64_t{kPanelColumns};
// Panels that parts are cut at: multiples that whole tiles fill.
constexpr std::int64_t kPanelGrain = 2;

// How a layer is shared out: `axis` (or the groups) in `ways` ways, and for each of them columns in `column_ways`.
constexpr int kGroupAxis = -1;
struct Sharing {
  int axis = 0;
  int ways = 1;
  int column_ways = 1;
};

struct GemmArguments {
  GemmLayer layer;
  Sharing sharing;
  GemmBlock block;  // what all calls have in common
  std::int64_t macs = 0;
  std::int64_t lines_at_once = 1, rows_at_once = 1;
  std::int64_t column_bytes = 0;  // of weights
  std::int64_t group_width = 0;   // columns of a group, padded
  void (*run)(const GemmBlock& block) = nullptr;
  Slot row_bias;
  PartSlots scratch;
  bool has_row_bias = false;
  std::int64_t scratch_bytes = 0;  // of one part
  bool at_once = false;            // one part does the layer in one call, and `block` lacks but the addresses

  std::int64_t weight_bytes() const { return layer.groups * group_width * column_bytes; }
};

struct RowBiasArguments {
  GemmLayer layer;
  Slot row_bias;
};

std::int64_t positions(const GemmLayer& layer) {
  return layer.axes[0].count * layer.axes[1].count * layer.axes[2].count;
}

// Bytes from a layer's first input to its last.
std::int64_t input_bytes(const GemmLayer& layer) {
  for (const GemmAxis& axis : layer.axes) {
    if (axis.count > 1) return axis.count * axis.input_stride;
  }
  return static_cast<std::int64_t>(layer.taps.size()) * layer.depth * layer.groups;
}

// What the most loaded part takes, in multiply-accumulates.
double part_cost(const GemmArguments& a, const Sharing& sharing) {
  const GemmLayer& layer = a.layer;
  const bool by_groups = sharing.axis == kGroupAxis;
  const std::int64_t count = by_groups ? layer.groups : layer.axes[sharing.axis].count;
  const double axis_share = imbalance(count, 1, sharing.ways) / sharing.ways;
  const std::int64_t panels = divide_up(layer.group_columns, kPanelColumns);
  const double column_share = imbalance(panels, kPanelGrain, sharing.column_ways) / sharing.column_ways;
  const double weights = static_cast<double>(a.weight_bytes()) * column_share * (by_groups ? axis_share : 1);

  // Parts of the same positions read what others wrote, and write what others will read.
  const double position_share = by_groups ? 1 : axis_share;
  const int owners = sharing.column_ways * (by_groups ? sharing.ways : 1);
  const auto outputs = static_cast<double>(positions(layer) * layer.groups * layer.group_columns);
  const double foreign =
      (static_cast<double>(input_bytes(layer)) + outputs / owners) * position_share * (owners - 1) / owners;
  return static_cast<double>(a.macs) * axis_share * column_share + weights * static_cast<double>(kWeightByteCost) +
         foreign * static_cast<double>(kForeignByteCost);
}

// The one that takes least; among equals, the one that cuts columns least and the outermost axis.
Sharing choose_sharing(const GemmArguments& a, int parts) {
  Sharing best;
  double least = 1e30;
  for (int column_ways = 1; column_ways <= parts; ++column_ways) {
    if (parts % column_ways != 0) continue;
    for (int axis = kGroupAxis; axis < kGemmAxes; ++axis) {
      const Sharing sharing = {axis, parts / column_ways, column_ways};
      const double cost = part_cost(a, sharing);
      if (cost < least) {
        least = cost;
        best = sharing;
      }
    }
  }
  return best;
}

// The ranges of everything that one part works on.
struct Share {
  Range groups, columns;
  Range axes[kGemmAxes];
};

Share share_of(const GemmArguments& a, int part, int parts) {
  const GemmLayer& layer = a.layer;
  Share share = {{0, layer.groups}, {0, layer.group_columns}, {}};
  for (int axis = 0; axis < kGemmAxes; ++axis) share.axes[axis] = {0, layer.axes[axis].count};
  if (parts == 1) return share;
  const int way = part / a.sharing.column_ways;
  if (a.sharing.axis == kGroupAxis) {
    share.groups = split(layer.groups, way, a.sharing.ways);
  } else {
    share.axes[a.sharing.axis] = split(layer.axes[a.sharing.axis].count, way, a.sharing.ways);
  }
  share.columns = split_at(layer.group_columns, kPanelGrain * static_cast<std::int64_t>(kPanelColumns),
                           part % a.sharing.column_ways, a.sharing.column_ways);
  return share;
}

// The lines and rows of one image and group, in blocks whose input stays in the cache.
void run_blocks(const GemmArguments& a, GemmBlock& block, const std::uint8_t* input, std::uint8_t* output,
                const std::int32_t* row_bias, Range lines, Range rows) {
  const GemmAxis& line_axis = a.layer.axes[1];
  const GemmAxis& row_axis = a.layer.axes[2];
  // Lines of fewer rows than the axis has do not follow one another in row_bias, so they go one at a time.
  const std::int64_t lines_at_once = rows.end - rows.begin == row_axis.count ? a.lines_at_once : 1;
  for (std::int64_t line = lines.begin; line < lines.end; line += lines_at_once) {
    for (std::int64_t row = rows.begin; row < rows.end; row += a.rows_at_once) {
      block.lines = static_cast<std::size_t>(std::min(lines_at_once, lines.end - line));
      block.rows = static_cast<std::size_t>(std::min(a.rows_at_once, rows.end - row));
      block.input = input + line * line_axis.input_stride + row * row_axis.input_stride;
      block.output = output + line * line_axis.output_stride + row * row_axis.output_stride;
      block.row_bias = row_bias != nullptr ? row_bias + line * row_axis.count + row : nullptr;
      a.run(block);
    }
  }
}

void run_gemm(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const GemmArguments*>(arguments);
  const GemmLayer& layer = a.layer;
  GemmBlock block = a.block;
  if (a.scratch_bytes != 0) block.scratch = memory.at<std::byte>(a.scratch.of(part));
  if (a.at_once && parts == 1) {
    block.input = memory.at<const std::uint8_t>(layer.input) + layer.input_offset;
    block.output = memory.at<std::uint8_t>(layer.output) + layer.output_offset;
    return a.run(block);
  }
  if (block.next != nullptr) block.next += part;
  const Share share = share_of(a, part, parts);
  if (share.columns.begin == share.columns.end) return;

  block.columns = static_cast<std::size_t>(share.columns.end - share.columns.begin);
  for (std::int64_t group = share.groups.begin; group < share.groups.end; ++group) {
    const std::int64_t column = group * a.group_width + share.columns.begin;
    block.weights = layer.weights + column * a.column_bytes;
    block.bias = layer.bias + column;
    block.requantization = from_column(layer.requantization, column);
    for (std::int64_t image = share.axes[0].begin; image < share.axes[0].end; ++image) {
      const std::uint8_t* input = memory.at<const std::uint8_t>(layer.input) + layer.input_offset +
                                  group * layer.group_input_stride + image * layer.axes[0].input_stride;
      std::uint8_t* output = memory.at<std::uint8_t>(layer.output) + layer.output_offset + group * layer.group_columns +
                             share.columns.begin + image * layer.axes[0].output_stride;
      const std::int32_t* row_bias = nullptr;
      if (a.has_row_bias) {
        row_bias = memory.at<const std::int32_t>(a.row_bias) +
                   (group * layer.axes[0].count + image) * layer.axes[1].count * layer.axes[2].count;
      }
      run_blocks(a, block, input, output, row_bias, share.axes[1], share.axes[2]);
    }
  }
}

// What the kernels take instead of taps: every run cut into groups.
Result<std::span<const std::int32_t>> group_offsets(const Node& node, Planner& planner, const GemmLayer& layer) {
  const auto depth = static_cast<std::size_t>(layer.depth);
  const GemmKernels& kernels = *planner.kernels().gemm;
  const std::size_t count = kernels.group_count(layer.taps.size(), depth);
  auto* offsets = planner.make<std::int32_t>(std::max<std::size_t>(count, 1));
  if (offsets == nullptr) return out_of_memory(node);
  std::size_t i = 0;
  for (const std::ptrdiff_t tap : layer.taps) {
    if (tap < INT32_MIN || tap + layer.depth > INT32_MAX) {
      return node_error(Code::kShape, node, "a window spans more than 2^31 bytes of input");
    }
    for (std::size_t k = 0; k < depth; k += kernels.bytes_of_group(depth)) {
      offsets[i++] = static_cast<std::int32_t>(tap + static_cast<std::ptrdiff_t>(k));
    }
  }
  return std::span<const std::int32_t>(offsets, count);
}

// Everything about the layer that does not depend on the part.
void set_up(GemmArguments& a, const GemmKernels& kernels, std::span<const std::int32_t> offsets) {
  const GemmLayer& layer = a.layer;
  const GemmAxis& lines = layer.axes[1];
  const GemmAxis& rows = layer.axes[2];
  a.block.input_row_stride = rows.input_stride;
  a.block.input_line_stride = lines.input_stride;
  a.block.offsets = offsets.data();
  a.block.groups = offsets.size();
  a.block.depth = static_cast<std::size_t>(layer.depth);
  a.block.one_run = layer.taps.size() == 1 && layer.taps[0] == 0;
  a.block.requantization = layer.requantization;
  a.block.output_row_stride = rows.output_stride;
  a.block.output_line_stride = lines.output_stride;
  a.column_bytes = static_cast<std::int64_t>(offsets.size() * kernels.bytes_of_group(a.block.depth));
  a.group_width = static_cast<std::int64_t>(kernels.padded_columns(static_cast<std::size_t>(layer.group_columns)));
  const std::int64_t row_bytes = block_row_bytes(kernels, offsets.size(), rows.input_stride);
  a.lines_at_once = std::max<std::int64_t>(kBlockBytes / (row_bytes * rows.count), 1);
  a.rows_at_once = a.lines_at_once > 1 ? rows.count : block_rows(row_bytes);
  a.at_once = layer.groups == 1 && layer.axes[0].count == 1 && lines.count <= a.lines_at_once &&
              rows.count <= a.rows_at_once && layer.weight_zero_point == 0;
  a.block.lines = static_cast<std::size_t>(lines.count);
  a.block.rows = static_cast<std::size_t>(rows.count);
  a.block.columns = static_cast<std::size_t>(layer.group_columns);
  a.block.weights = layer.weights;
  a.block.bias = layer.bias;
  const std::int64_t rows_of_block = std::min(a.lines_at_once, lines.count) * std::min(a.rows_at_once, rows.count);
  a.scratch_bytes =
      static_cast<std::int64_t>(kernels.scratch_bytes(static_cast<std::size_t>(rows_of_block), offsets.size()));
}

std::uint32_t sum_bytes(const std::uint8_t* bytes, std::int64_t count) {
  std::uint32_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += bytes[i];
  return sum;
}

// Modulo 2^32, as the kernels' accumulators are.
void run_row_bias(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const RowBiasArguments*>(arguments);
  const GemmLayer& layer = a.layer;
  const auto& [images, lines, rows] = layer.axes;
  const std::uint8_t* input = memory.at<const std::uint8_t>(layer.input) + layer.input_offset;
  auto* row_bias = memory.at<std::int32_t>(a.row_bias);
  const Range range = split(layer.groups * images.count * lines.count, part, parts);
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const std::int64_t line = i % lines.count;
    const std::int64_t image = i / lines.count % images.count;
    const std::int64_t group = i / lines.count / images.count;
    const std::uint8_t* first =
        input + group * layer.group_input_stride + image * images.input_stride + line * lines.input_stride;
    for (std::int64_t row = 0; row < rows.count; ++row) {
      std::uint32_t sum = 0;
      for (const std::ptrdiff_t tap : layer.taps) sum += sum_bytes(first + row * rows.input_stride + tap, layer.depth);
      row_bias[i * rows.count + row] =
          static_cast<std::int32_t>(-static_cast<std::uint32_t>(layer.weight_zero_point) * sum);
    }
  }
}

}  // namespace

Requantization from_column(Requantization requantization, std::int64_t column) {
  if (requantization.scale != nullptr) {
    requantization.scale += column;
  } else {
    requantization.multiplier += column;
    requantization.shift += column;
  }
  return requantization;
}

Status emit_gemm(const Node& node, Planner& planner, const GemmLayer& layer, const char* reason) {
  const std::int64_t macs = saturating_product(positions(layer) * layer.groups * layer.group_columns,
                                               static_cast<std::int64_t>(layer.taps.size()) * layer.depth);
  auto* arguments = planner.make<GemmArguments>();
  if (arguments == nullptr) return out_of_memory(node);
  arguments->layer = layer;
  merge_axes(arguments->layer.axes);
  const GemmKernels& kernels = *planner.kernels().gemm;
  arguments->run = kernels.run;
  auto offsets = group_offsets(node, planner, layer);
  if (!offsets.ok()) return offsets.status();
  set_up(*arguments, kernels, offsets.value());
  arguments->macs = macs;
  const int parts = planner.parts_for(std::max(macs, arguments->weight_bytes() * kWeightByteCost));
  arguments->sharing = choose_sharing(*arguments, parts);
  if (arguments->scratch_bytes != 0) {
    arguments->scratch = planner.part_scratch(static_cast<std::uint64_t>(arguments->scratch_bytes), parts);
  }

  if (layer.weight_zero_point != 0) {
    auto* sums = planner.make<RowBiasArguments>();
    if (sums == nullptr) return out_of_memory(node);
    sums->layer = arguments->layer;
    sums->row_bias = planner.scratch(static_cast<std::size_t>(positions(layer) * layer.groups) * sizeof(std::int32_t));
    arguments->row_bias = sums->row_bias;
    arguments->has_row_bias = true;
    Step step;
    step.run = &run_row_bias;
    step.arguments = sums;
    step.parts = parts;
    step.kernel = "row_sums";
    step.reason = "weights have a zero point";
    INTAGLIO_TRY(planner.emit(step));
  }
  Step step;
  step.run = &run_gemm;
  step.arguments = arguments;
  step.parts = parts;
  step.kernel = kernels.name;
  step.reason = reason;
  step.macs = macs;
  auto* first_weights = planner.make<Fetch>(static_cast<std::size_t>(planner.threads()));
  if (first_weights == nullptr) return out_of_memory(node);
  for (int part = 0; part < planner.threads(); ++part) {
    const Share share = share_of(*arguments, part < parts ? part : 0, parts);
    const std::int64_t bytes =
        std::min(kFetchedColumns, share.columns.end - share.columns.begin) * arguments->column_bytes;
    const std::int64_t column = share.groups.begin * arguments->group_width + share.columns.begin;
    first_weights[part] = {layer.weights + column * arguments->column_bytes, static_cast<std::size_t>(bytes)};
  }
  if (arguments->column_bytes != 0) step.reads = first_weights;
  // The last columns of a group come before the weights of the next one.
  if (layer.groups == 1) step.fetches = &arguments->block.next;
  return planner.emit(step);
}

}  // namespace intaglio
