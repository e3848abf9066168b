// integer_conv2d: dot products over the part of each window that lies inside the input.
#include <algorithm>

#include "base/divide.h"
#include "kernels/float_vector.h"
#include "ops/checks.h"
#include "ops/convolution.h"
#include "ops/integer_weights.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

struct Arguments {
  Slot x, y, weight_sums;
  IntegerWeights weights;
  ZeroPoints zero_points;
  DotsFunction dots;
  Convolution convolution;
  std::int64_t images, channels, columns;  // columns of a group
};

// The taps of an axis that meet the input at an output.
Range taps_inside(const WindowAxis& axis, std::int64_t output) {
  const std::int64_t start = output * axis.stride - axis.before;
  const std::int64_t first = start < 0 ? divide_up(-start, axis.dilation) : 0;
  const std::int64_t last = start < axis.input ? divide_up(axis.input - start, axis.dilation) : 0;
  return {first, std::max(std::min(last, axis.kernel), first)};
}

std::uint32_t sum_bytes(const std::uint8_t* bytes, std::int64_t count) {
  std::uint32_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += bytes[i];
  return sum;
}

// One output position of one group; `x` is the group's first channel of the image.
void run_position(const Arguments& a, const Memory& memory, const std::uint8_t* x, std::int64_t group, std::int64_t i,
                  std::int64_t j, std::int32_t* weight_sums, std::int32_t* y) {
  const WindowAxis &height = a.convolution.height, &width = a.convolution.width;
  const std::int64_t depth = a.channels / a.convolution.groups, taps = height.kernel * width.kernel;
  const std::int8_t* weights = a.weights.values_in(memory) + group * a.columns * taps * depth;
  const std::int32_t* tap_sums = a.weights.tap_sums_in(memory) + group * taps * a.columns;
  const Range rows = taps_inside(height, i), columns = taps_inside(width, j);
  // Neighbouring taps are one run where their channels are.
  const bool joined = a.convolution.groups == 1 && width.dilation == 1;
  const std::int64_t at_once = joined ? std::max<std::int64_t>(columns.end - columns.begin, 1) : 1;
  std::uint32_t inputs_sum = 0;
  std::fill_n(y, a.columns, 0);
  std::fill_n(weight_sums, a.columns, 0);
  for (std::int64_t ky = rows.begin; ky < rows.end; ++ky) {
    const std::int64_t row = i * height.stride - height.before + ky * height.dilation;
    for (std::int64_t kx = columns.begin; kx < columns.end; kx += at_once) {
      const std::int64_t column = j * width.stride - width.before + kx * width.dilation;
      const std::uint8_t* run = x + (row * width.input + column) * a.channels;
      const std::int64_t tap = ky * width.kernel + kx, length = at_once * depth;
      a.dots(run, weights + tap * depth, taps * depth, static_cast<std::size_t>(length), y,
             static_cast<std::size_t>(a.columns));
      inputs_sum += sum_bytes(run, length);
      for (std::int64_t t = tap; t < tap + at_once; ++t) {
        for (std::int64_t c = 0; c < a.columns; ++c) weight_sums[c] += tap_sums[t * a.columns + c];
      }
    }
  }
  const std::int64_t products = (rows.end - rows.begin) * (columns.end - columns.begin) * depth;
  apply_zero_points(a.zero_points, memory, group * a.columns, products, inputs_sum, weight_sums, y, a.columns);
}

// Parts are ranges of output rows over the whole batch.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const WindowAxis &height = a.convolution.height, &width = a.convolution.width;
  const std::int64_t lines = height.output(), outputs = width.output(), groups = a.convolution.groups;
  auto* weight_sums = memory.at<std::int32_t>(a.weight_sums) + part * a.columns;
  const Range range = split(a.images * lines, part, parts);
  for (std::int64_t line = range.begin; line < range.end; ++line) {
    const auto* image = memory.at<const std::uint8_t>(a.x) + line / lines * height.input * width.input * a.channels;
    auto* y = memory.at<std::int32_t>(a.y) + line * outputs * groups * a.columns;
    for (std::int64_t j = 0; j < outputs; ++j) {
      for (std::int64_t group = 0; group < groups; ++group, y += a.columns) {
        run_position(a, memory, image + group * (a.channels / groups), group, line % lines, j, weight_sums, y);
      }
    }
  }
}

}  // namespace

Status prepare_integer_conv2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 1, kConvolutionAttrs));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 2);
  const Tensor& y = model.output(node);
  auto geometry = read_convolution(node, x, weight, y);
  if (!geometry.ok()) return geometry.status();
  const Convolution& g = geometry.value();
  const std::int64_t out = weight.dims[0], depth = x.dims[3] / g.groups, taps = g.height.kernel * g.width.kernel;
  INTAGLIO_TRY(check_integer_sum(node, model, taps * depth, out, 1));
  if (y.elements == 0) return {};

  const std::int64_t columns = out / g.groups;
  auto weights = pack_integer_weights(node, planner, {g.groups, columns, taps, depth, taps * depth, 1});
  if (!weights.ok()) return weights.status();
  auto* a = planner.make<Arguments>();
  if (a == nullptr) return out_of_memory(node);
  const std::int64_t macs = y.elements * taps * depth;
  const std::int64_t lines = x.dims[0] * g.height.output();
  const int parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(macs), lines));
  a->x = planner.tensor(node.inputs[0]);
  a->y = planner.tensor(node.outputs[0]);
  a->weight_sums = planner.scratch(static_cast<std::size_t>(parts * columns) * sizeof(std::int32_t));
  a->weights = weights.value();
  a->zero_points = {planner.tensor(node.inputs[1]), planner.tensor(node.inputs[3]),
                    model.input(node, 3).elements == 1 ? 0 : 1};
  const auto& kernel = planner.kernels().float_vector->dots;
  a->dots = kernel.run;
  a->convolution = g;
  a->images = x.dims[0];
  a->channels = x.dims[3];
  a->columns = columns;
  return planner.emit({.run = run, .arguments = a, .parts = parts, .kernel = kernel.name, .macs = macs});
}

}  // namespace intaglio
