#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "base/checked.h"
#include "ops/checks.h"
#include "ops/depthwise.h"
#include "ops/sum_of_products.h"

namespace intaglio {

namespace {

// One multiply-accumulate takes about as long as four of a matrix product.
constexpr std::int64_t kMacCost = 4;

// Indices into Node::attrs; kSumAttrs common ones follow.
enum Attribute : std::size_t { kStride = 0, kPadding = 2, kDilation = 6, kOwnAttrs = 8 };

// A window's output size along one axis, or a negative number where it does not fit.
constexpr std::int64_t output_size(std::int64_t size, std::int64_t before, std::int64_t after, std::int64_t kernel,
                                   std::int64_t stride, std::int64_t dilation) {
  const std::int64_t free = size + before + after - (dilation * (kernel - 1) + 1);
  return free < 0 ? -1 : free / stride + 1;
}

Result<DepthwiseShape> read_shape(const Node& node, const Model& model) {
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_rank(node, x, "input", 4));
  INTAGLIO_TRY(check_rank(node, weight, "weight", 3));
  INTAGLIO_TRY(check_rank(node, y, "output", 4));
  const auto attrs = node.attrs;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    INTAGLIO_TRY(check_between(node, "kernel", weight.dims[axis], 1, kWindowLimit));
    INTAGLIO_TRY(check_between(node, "stride", attrs[kStride + axis], 1, kWindowLimit));
    INTAGLIO_TRY(check_between(node, "padding", attrs[kPadding + axis], 0, kWindowLimit));
    INTAGLIO_TRY(check_between(node, "padding", attrs[kPadding + 2 + axis], 0, kWindowLimit));
    INTAGLIO_TRY(check_between(node, "dilation", attrs[kDilation + axis], 1, kWindowLimit));
  }
  DepthwiseShape shape;
  shape.batch = x.dims[0], shape.height = x.dims[1], shape.width = x.dims[2], shape.channels = x.dims[3];
  shape.kernel_h = weight.dims[0], shape.kernel_w = weight.dims[1], shape.out_channels = weight.dims[2];
  shape.stride_h = attrs[kStride], shape.stride_w = attrs[kStride + 1];
  shape.dilation_h = attrs[kDilation], shape.dilation_w = attrs[kDilation + 1];
  shape.top = attrs[kPadding], shape.left = attrs[kPadding + 1];
  if (shape.channels < 1 || shape.out_channels < 1 || shape.out_channels % shape.channels != 0) {
    return node_error(Code::kShape, node,
                      "%" PRId64 " output channels are not a multiple of %" PRId64 " input channels",
                      shape.out_channels, shape.channels);
  }
  shape.out_height =
      output_size(shape.height, shape.top, attrs[kPadding + 2], shape.kernel_h, shape.stride_h, shape.dilation_h);
  shape.out_width =
      output_size(shape.width, shape.left, attrs[kPadding + 3], shape.kernel_w, shape.stride_w, shape.dilation_w);
  INTAGLIO_TRY(check_dims(node, y, "output", {shape.batch, shape.out_height, shape.out_width, shape.out_channels}));
  return shape;
}

// Cells hold taps that lie under one another: a window one row high is turned, its row into a column. That is a mere
// reshape where rows are independent, each then an image of its own.
DepthwiseShape turned(const DepthwiseShape& shape, std::int64_t chunk) {
  const bool rows_independent =
      shape.kernel_h == 1 && shape.stride_h == 1 && shape.top == 0 && shape.out_height == shape.height;
  if (!rows_independent || shape.kernel_w == 1 || 2 * shape.out_channels <= chunk) return shape;
  DepthwiseShape column = shape;
  column.batch = shape.batch * shape.height;
  column.height = shape.width, column.width = 1;
  column.out_height = shape.out_width, column.out_width = 1;
  column.kernel_h = shape.kernel_w, column.kernel_w = 1;
  column.stride_h = shape.stride_w, column.stride_w = 1;
  column.dilation_h = shape.dilation_w, column.dilation_w = 1;
  column.top = shape.left, column.left = 0;
  return column;
}

// An array per channel as the kernels want it: entry i is that of channel i % channels.
template <class T>
Status repeat(const Node& node, Planner& planner, std::span<const T> values, std::size_t count, const T*& repeated) {
  T* copy = planner.make<T>(count);
  if (copy == nullptr) return out_of_memory(node);
  for (std::size_t i = 0; i < count; ++i) copy[i] = values[i % values.size()];
  repeated = copy;
  return {};
}

// Proves the accumulators and folds the input's zero point into the biases.
Status fold_bias(const Node& node, Planner& planner, const SumParameters& parameters, DepthwisePlan& plan) {
  const auto weights = parameters.weight->values<std::int8_t>();
  const auto bias = parameters.bias;
  const std::int64_t zero_x = parameters.input_zero_point;
  const std::int64_t zero_w = parameters.weight_zero_point;
  const std::size_t channels = bias.size();
  const std::size_t count = channels + plan.kernels->chunk;
  auto* folded = planner.make<std::int32_t>(count);
  if (folded == nullptr) return out_of_memory(node);
  for (std::size_t c = 0; c < channels; ++c) {
    std::int64_t sum = 0;
    std::int64_t low = bias[c];
    std::int64_t high = bias[c];
    for (std::size_t i = c; i < weights.size(); i += channels) {
      const std::int64_t weight = weights[i] - zero_w;
      sum += weight;
      low += weight * (weight > 0 ? -zero_x : 255 - zero_x);
      high += weight * (weight > 0 ? 255 - zero_x : -zero_x);
    }
    INTAGLIO_TRY(check_accumulators(node, parameters.requantization, static_cast<std::int64_t>(c), low, high));
    // Modulo 2^32: only the whole sum must fit.
    folded[c] =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(bias[c] - sum * (zero_x - plan.kernels->input_offset)));
  }
  for (std::size_t i = channels; i < count; ++i) folded[i] = folded[i % channels];
  plan.outputs.bias = folded;
  return {};
}

// The weights of the band's output row `row` and those that lie alike: zero where a group has no tap.
Status pack_place(const Node& node, Planner& planner, const SumParameters& parameters, std::int64_t row,
                  DepthwisePlan& plan) {
  const DepthwiseShape& shape = plan.shape;
  const auto weights = parameters.weight->values<std::int8_t>();
  const std::int64_t zero_w = parameters.weight_zero_point;
  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  const std::int64_t start = row * plan.band.advance % group_rows;
  const std::int64_t groups = (start + shape.kernel_h + group_rows - 1) / group_rows;
  const std::int64_t taps = groups * shape.kernel_w;
  const std::int64_t entries = shape.out_channels + static_cast<std::int64_t>(plan.kernels->chunk);
  std::int64_t bytes = 0;
  if (!checked_mul(taps, entries * static_cast<std::int64_t>(kCellBytes), bytes)) return out_of_memory(node);
  auto* packed = planner.make<std::byte>(static_cast<std::size_t>(bytes));
  auto* offsets = planner.make<std::ptrdiff_t>(static_cast<std::size_t>(taps));
  if (packed == nullptr || offsets == nullptr) return out_of_memory(node);

  std::byte* cell = packed;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const std::int64_t group = tap / shape.kernel_w;
    const std::int64_t kx = tap % shape.kernel_w;
    const std::int64_t column = kx * shape.dilation_w;
    const auto* stream = std::find_if(plan.streams, plan.streams + plan.stream_count,
                                      [&](const DepthwiseStream& s) { return s.phase == column % plan.fold; });
    offsets[tap] = group * plan.group_bytes + (stream - plan.streams) * plan.stream_bytes +
                   column / plan.fold * plan.block * static_cast<std::int64_t>(kCellBytes);
    for (std::int64_t entry = 0; entry < entries; ++entry, cell += kCellBytes) {
      for (std::int64_t i = 0; i < group_rows; ++i) {
        const std::int64_t ky = group * group_rows + i - start;
        if (ky < 0 || ky >= shape.kernel_h) continue;
        const std::int64_t index = (ky * shape.kernel_w + kx) * shape.out_channels + entry % shape.out_channels;
        const auto value = static_cast<std::int16_t>(weights[static_cast<std::size_t>(index)] - zero_w);
        if (group_rows == 4) {
          const auto narrow = static_cast<std::int8_t>(value);
          std::memcpy(cell + i, &narrow, sizeof(narrow));
        } else {
          std::memcpy(cell + 2 * i, &value, sizeof(value));
        }
      }
    }
  }
  plan.places[row] = {packed, offsets, static_cast<std::size_t>(taps), row * plan.band.advance / group_rows};
  return {};
}

Status pack(const Node& node, Planner& planner, const SumParameters& parameters, DepthwisePlan& plan) {
  INTAGLIO_TRY(fold_bias(node, planner, parameters, plan));

  const RequantizationParameters& checked = parameters.requantization;
  Requantization& requantization = plan.outputs.requantization;
  requantization.zero_point = checked.zero_point;
  requantization.low = checked.low;
  requantization.high = checked.high;
  const std::size_t count = static_cast<std::size_t>(plan.shape.out_channels) + plan.kernels->chunk;
  if (checked.mode == RequantizationMode::kFloat32) {
    INTAGLIO_TRY(repeat(node, planner, checked.scale, count, requantization.scale));
    requantization.bounded = checked.bounded();
  } else {
    INTAGLIO_TRY(repeat(node, planner, checked.multiplier, count, requantization.multiplier));
    INTAGLIO_TRY(repeat(node, planner, checked.shift, count, requantization.shift));
  }

  const auto group_rows = static_cast<std::int64_t>(plan.kernels->group_rows);
  for (std::int64_t row = 0; row < std::min(plan.band.rows, plan.band.cycle); ++row) {
    INTAGLIO_TRY(pack_place(node, planner, parameters, row, plan));
  }

  const auto row_bytes = static_cast<std::size_t>(plan.shape.width * plan.shape.channels);
  auto* padding_row = planner.make<std::uint8_t>(row_bytes);
  if (padding_row == nullptr) return out_of_memory(node);
  std::fill(padding_row, padding_row + row_bytes, static_cast<std::uint8_t>(parameters.input_zero_point));
  plan.padding_row = padding_row;
  const auto padding = static_cast<std::uint8_t>(parameters.input_zero_point - plan.kernels->input_offset);
  plan.padding_cell = padding * (group_rows == 4 ? 0x01010101U : 0x00010001U);
  return {};
}

// Whether weights less their zero point fit int8.
bool fits_int8(std::span<const std::int8_t> weights, std::int64_t zero_point) {
  return std::all_of(weights.begin(), weights.end(), [&](std::int8_t weight) {
    return weight - zero_point >= INT8_MIN && weight - zero_point <= INT8_MAX;
  });
}

}  // namespace

Status prepare_depthwise_conv2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, kSumInputs, 1, kOwnAttrs + kSumAttrs));
  const Model& model = planner.model();
  auto read = read_shape(node, model);
  if (!read.ok()) return read.status();
  const DepthwiseShape& shape = read.value();
  INTAGLIO_TRY(check_constant(node, model.input(node, 1), "weight", DType::kInt8,
                              {shape.kernel_h, shape.kernel_w, shape.out_channels}));
  auto sum = read_sum(node, model, shape.out_channels);
  if (!sum.ok()) return sum.status();
  const SumParameters& parameters = sum.value();
  const std::int64_t outputs = parameters.y->elements;
  if (outputs == 0) return {};

  auto* plan = planner.make<DepthwisePlan>();
  if (plan == nullptr) return out_of_memory(node);
  const bool narrow = fits_int8(parameters.weight->values<std::int8_t>(), parameters.weight_zero_point);
  plan->kernels = narrow ? planner.kernels().depthwise : planner.kernels().depthwise_wide;
  plan->shape = turned(shape, static_cast<std::int64_t>(plan->kernels->chunk));
  INTAGLIO_TRY(plan_depthwise(node, planner, *plan));
  INTAGLIO_TRY(pack(node, planner, parameters, *plan));

  Step step;
  std::int64_t cost = 0;
  if (!checked_mul(outputs, shape.kernel_h * shape.kernel_w * kMacCost, cost)) return out_of_memory(node);
  step.macs = cost / kMacCost;
  const std::int64_t rows = plan->shape.batch * plan->shape.out_height;
  step.parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(cost), rows));
  std::int64_t scratch_bytes = 0;
  if (!checked_mul(plan->scratch_bytes, std::int64_t{step.parts}, scratch_bytes)) return out_of_memory(node);
  plan->x = planner.tensor(node.inputs[0]);
  plan->y = planner.tensor(node.outputs[0]);
  plan->scratch = planner.scratch(static_cast<std::uint64_t>(scratch_bytes));
  step.run = run_depthwise;
  step.arguments = plan;
  step.kernel = plan->kernels->name;
  step.reason = narrow ? "several rows to one dot product" : "weights less their zero point need 16 bits";
  return planner.emit(step);
}

}  // namespace intaglio
