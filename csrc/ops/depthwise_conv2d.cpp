#include <algorithm>
#include <cinttypes>

#include "base/checked.h"
#include "ops/checks.h"
#include "ops/depthwise_bands.h"
#include "ops/depthwise_direct.h"
#include "ops/depthwise_sweep.h"
#include "ops/sum_of_products.h"

namespace intaglio {

namespace {

// One multiply-accumulate takes about as long as five of a matrix product.
constexpr std::int64_t kMacCost = 5;

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

// The same convolution of an image one column wide and one high, laid the other way: rows become columns.
DepthwiseShape laid_flat(const DepthwiseShape& shape) {
  DepthwiseShape row = shape;
  row.height = 1, row.width = shape.height;
  row.out_height = 1, row.out_width = shape.out_height;
  row.kernel_h = 1, row.kernel_w = shape.kernel_h;
  row.stride_h = 1, row.stride_w = shape.stride_h;
  row.dilation_h = 1, row.dilation_w = shape.dilation_h;
  row.top = 0, row.left = shape.top;
  return row;
}

// Cells hold taps that lie under one another: a window one row high is turned, its row into a column. That is a mere
// reshape where rows are independent, each then an image of its own. Few channels fill their chunks badly in an image
// one column wide, which is better laid flat while the window is not high.
DepthwiseShape turned(const DepthwiseShape& shape, std::int64_t chunk) {
  constexpr std::int64_t kFlatRows = 4;
  const bool rows_independent =
      shape.kernel_h == 1 && shape.stride_h == 1 && shape.top == 0 && shape.out_height == shape.height;
  if (rows_independent && shape.kernel_w > 1 && 2 * shape.out_channels > chunk) {
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
  const bool one_column = shape.width == 1 && shape.out_width == 1 && shape.kernel_w == 1;
  if (one_column && shape.out_channels < chunk && shape.kernel_h <= kFlatRows) return laid_flat(shape);
  return shape;
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

  const bool narrow = fits_int8(parameters.weight->values<std::int8_t>(), parameters.weight_zero_point);
  const DepthwiseKernels& kernels = narrow ? *planner.kernels().depthwise : *planner.kernels().depthwise_wide;
  Step step;
  std::int64_t cost = 0;
  if (!checked_mul(outputs, shape.kernel_h * shape.kernel_w * kMacCost, cost)) return out_of_memory(node);
  step.macs = cost / kMacCost;
  step.parts = planner.parts_for(cost);
  step.kernel = kernels.name;
  if (runs_directly(kernels, shape, parameters)) {
    INTAGLIO_TRY(prepare_direct(node, planner, parameters, shape, kernels, step));
    step.reason = "weights where they lie";
  } else if (sweeps(kernels, shape, parameters.requantization)) {
    INTAGLIO_TRY(prepare_sweep(node, planner, parameters, shape, kernels, step));
    step.reason = "sums stay in registers along a row";
  } else {
    INTAGLIO_TRY(prepare_bands(node, planner, parameters, turned(shape, static_cast<std::int64_t>(kernels.chunk)),
                               kernels, step));
    step.reason = narrow ? "several rows to one dot product" : "weights less their zero point need 16 bits";
  }
  return planner.emit(step);
}

}  // namespace intaglio
