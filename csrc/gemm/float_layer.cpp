#include "gemm/float_layer.h"

#include <algorithm>

#include "base/checked.h"
#include "base/divide.h"
#include "gemm/sharing.h"

namespace intaglio {

namespace {

constexpr auto kColumns = static_cast<std::int64_t>(kFloatPanelColumns);
// Sums are made in stretches of this many products, whose weights for a tile's columns stay in the first-level cache,
// for this many rows at a time, whose inputs stay in the second.
constexpr std::int64_t kStretch = 256;
constexpr std::int64_t kRowsAtOnce = 128;
// Rows and columns that parts are cut at.
constexpr std::int64_t kRowGrain = 8, kColumnGrain = 2 * kColumns;

struct PackArguments {
  FloatWeightLayout layout;
  std::int64_t groups;
  Slot weights, bias;
  FloatWeights packed;

  std::int64_t padded_columns() const { return divide_up(layout.columns, kColumns) * kColumns; }
};

void pack_group(const PackArguments& a, const float* weights, const float* bias, float* panels, float* packed_bias,
                std::int64_t group) {
  pack_float_panels(a.layout, weights + group * a.layout.columns * a.layout.column_stride,
                    panels + group * static_cast<std::int64_t>(a.layout.packed_size()));
  float* const first = packed_bias + group * a.padded_columns();
  std::copy_n(bias + group * a.layout.columns, a.layout.columns, first);
  std::fill(first + a.layout.columns, first + a.padded_columns(), 0.0F);
}

void run_pack(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const PackArguments*>(arguments);
  const Range groups = split(a.groups, part, parts);
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    pack_group(a, memory.at<const float>(a.weights), memory.at<const float>(a.bias), memory.at<float>(a.packed.panels),
               memory.at<float>(a.packed.bias), group);
  }
}

enum class Shared : std::uint8_t { kLines, kRows, kColumns, kGroups };

struct LayerArguments {
  FloatLayer layer;
  FloatProduct product;
  Shared shared;
  std::ptrdiff_t panel_stride;
};

// The outermost of the loops that can keep all parts busy.
Shared choose_shared(const FloatLayer& layer, int parts) {
  if (layer.axes[0].count * layer.axes[1].count >= parts) return Shared::kLines;
  if (layer.axes[2].count >= 2 * kRowGrain * parts) return Shared::kRows;
  return layer.groups >= parts ? Shared::kGroups : Shared::kColumns;
}

void run_layer(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const LayerArguments*>(arguments);
  const FloatLayer& layer = a.layer;
  const auto& [images, line_axis, row_axis] = layer.axes;
  const auto share = [&](Shared kind, std::int64_t count, std::int64_t grain) {
    return a.shared == kind ? split_at(count, grain, part, parts) : Range{0, count};
  };
  const Range lines = share(Shared::kLines, images.count * line_axis.count, 1);
  const Range rows = share(Shared::kRows, row_axis.count, kRowGrain);
  const Range columns = share(Shared::kColumns, layer.group_columns, kColumnGrain);
  const Range groups = share(Shared::kGroups, layer.groups, 1);
  if (rows.begin == rows.end || columns.begin == columns.end) return;

  const std::int64_t panels = divide_up(layer.group_columns, kColumns);
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    const std::int64_t first_panel = group * panels + columns.begin / kColumns;
    const float* weights = layer.weights.panels_in(memory) + first_panel * a.panel_stride;
    const float* bias = layer.weights.bias_in(memory) + first_panel * kColumns;
    for (std::int64_t line = lines.begin; line < lines.end;) {
      const std::int64_t image = line / line_axis.count, in_image = line % line_axis.count;
      const std::int64_t count = std::min(line_axis.count - in_image, lines.end - line);
      const float* input = memory.at<const float>(layer.input) + layer.input_offset + group * layer.group_input_stride +
                           image * images.input_stride + in_image * line_axis.input_stride +
                           rows.begin * row_axis.input_stride;
      float* output = memory.at<float>(layer.output) + layer.output_offset + group * layer.group_columns +
                      columns.begin + image * images.output_stride + in_image * line_axis.output_stride +
                      rows.begin * row_axis.output_stride;
      a.product.multiply(input, weights, bias, output, count, rows.end - rows.begin, columns.end - columns.begin);
      line += count;
    }
  }
}

}  // namespace

std::ptrdiff_t FloatWeightLayout::panel_stride() const {
  return static_cast<std::ptrdiff_t>(taps.size()) * depth * kColumns;
}

std::size_t FloatWeightLayout::packed_size() const {
  return static_cast<std::size_t>(divide_up(columns, kColumns) * panel_stride());
}

void pack_float_panels(const FloatWeightLayout& layout, const float* values, float* packed) {
  for (std::int64_t first = 0; first < layout.columns; first += kColumns) {
    const std::int64_t columns = std::min(kColumns, layout.columns - first);
    for (const std::ptrdiff_t tap : layout.taps) {
      const float* const run = values + first * layout.column_stride + tap;
      for (std::int64_t k = 0; k < layout.depth; ++k, packed += kColumns) {
        const float* const from = run + k * layout.depth_stride;
        for (std::int64_t c = 0; c < columns; ++c) packed[c] = from[c * layout.column_stride];
        std::fill(packed + columns, packed + kColumns, 0.0F);
      }
    }
  }
}

const float* FloatWeights::panels_in(const Memory& memory) const {
  return constant_panels != nullptr ? constant_panels : memory.at<const float>(panels);
}

const float* FloatWeights::bias_in(const Memory& memory) const {
  return constant_bias != nullptr ? constant_bias : memory.at<const float>(bias);
}

Result<FloatWeights> pack_float_weights(const Node& node, Planner& planner, const FloatWeightLayout& layout,
                                        std::int64_t groups) {
  const Tensor& weights = planner.model().input(node, 1);
  const Tensor& bias = planner.model().input(node, 2);
  auto* a = planner.make<PackArguments>();
  if (a == nullptr) return out_of_memory(node);
  a->layout = layout;
  a->groups = groups;
  const auto count = static_cast<std::size_t>(groups);
  const std::size_t panel_size = std::max<std::size_t>(count * layout.packed_size(), 1);
  const std::size_t bias_size = count * static_cast<std::size_t>(a->padded_columns());
  if (weights.constant() && bias.constant()) {
    auto* panels = planner.make<float>(panel_size);
    auto* packed_bias = planner.make<float>(bias_size);
    if (panels == nullptr || packed_bias == nullptr) return out_of_memory(node);
    for (std::int64_t group = 0; group < groups; ++group) {
      pack_group(*a, weights.values<float>().data(), bias.values<float>().data(), panels, packed_bias, group);
    }
    a->packed.constant_panels = panels;
    a->packed.constant_bias = packed_bias;
    return a->packed;
  }
  a->weights = planner.tensor(node.inputs[1]);
  a->bias = planner.tensor(node.inputs[2]);
  a->packed.panels = planner.scratch(panel_size * sizeof(float));
  a->packed.bias = planner.scratch(bias_size * sizeof(float));
  const int parts = planner.parts_for(weights.elements);
  INTAGLIO_TRY(planner.emit({.run = run_pack,
                             .arguments = a,
                             .parts = static_cast<int>(std::min<std::int64_t>(parts, groups)),
                             .kernel = "pack_float_panels",
                             .reason = "weights or biases are not known before running"}));
  return a->packed;
}

void FloatProduct::multiply(const float* input, const float* panels, const float* bias, float* output,
                            std::int64_t lines, std::int64_t rows, std::int64_t columns) const {
  constexpr float kInfinity = __builtin_inff();
  FloatGemmBlock block;
  block.input_row_stride = input_row_stride;
  block.input_line_stride = input_line_stride;
  block.output_row_stride = output_row_stride;
  block.output_line_stride = output_line_stride;
  block.columns = static_cast<std::size_t>(columns);
  const auto tap_count = static_cast<std::int64_t>(taps.size());
  block.panel_stride = tap_count * depth * kColumns;
  const std::int64_t lines_at_once = std::max<std::int64_t>(kRowsAtOnce / rows, 1);
  const std::int64_t rows_at_once = lines_at_once > 1 ? rows : kRowsAtOnce;
  const std::int64_t taps_at_once = std::max<std::int64_t>(kStretch / std::max<std::int64_t>(depth, 1), 1);
  const std::int64_t depth_at_once = std::max<std::int64_t>(std::min(depth, kStretch), 1);
  for (std::int64_t line = 0; line < lines; line += lines_at_once) {
    block.lines = static_cast<std::size_t>(std::min(lines_at_once, lines - line));
    for (std::int64_t row = 0; row < rows; row += rows_at_once) {
      block.rows = static_cast<std::size_t>(std::min(rows_at_once, rows - row));
      const float* const first = input + line * input_line_stride + row * input_row_stride;
      block.output = output + line * output_line_stride + row * output_row_stride;
      block.bias = bias;
      std::int64_t tap = 0;
      do {
        block.taps = taps.data() + tap;
        block.tap_count = static_cast<std::size_t>(std::min(taps_at_once, tap_count - tap));
        std::int64_t k = 0;
        do {
          block.depth = static_cast<std::size_t>(std::min(depth_at_once, depth - k));
          block.input = first + k;
          block.weights = panels + (tap * depth + k) * kColumns;
          const bool last = tap + taps_at_once >= tap_count && k + depth_at_once >= depth;
          block.low = last ? low : -kInfinity;
          block.high = last ? high : kInfinity;
          run(block);
          block.bias = nullptr;
          k += depth_at_once;
        } while (k < depth);
        tap += taps_at_once;
      } while (tap < tap_count);
    }
  }
}

Status emit_float_layer(const Node& node, Planner& planner, const FloatLayer& layer, const char* reason) {
  auto* a = planner.make<LayerArguments>();
  if (a == nullptr) return out_of_memory(node);
  a->layer = layer;
  merge_axes(a->layer.axes);
  const auto& [images, lines, rows] = a->layer.axes;
  const FloatGemmKernels& kernels = *planner.kernels().float_gemm;
  a->product = {kernels.run,        layer.taps,          layer.depth, rows.input_stride, lines.input_stride,
                rows.output_stride, lines.output_stride, layer.low,   layer.high};
  a->panel_stride = static_cast<std::ptrdiff_t>(layer.taps.size()) * layer.depth * kColumns;
  const std::int64_t outputs = images.count * lines.count * rows.count * layer.groups * layer.group_columns;
  const std::int64_t macs = saturating_product(outputs, static_cast<std::int64_t>(layer.taps.size()) * layer.depth);
  const int parts = planner.parts_for(macs);
  a->shared = choose_shared(a->layer, parts);
  return planner.emit(
      {.run = run_layer, .arguments = a, .parts = parts, .kernel = kernels.name, .reason = reason, .macs = macs});
}

}  // namespace intaglio
