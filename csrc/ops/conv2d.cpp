// conv2d: a matrix multiplication over windows. Padding, if any, is copied in first, so a window is a few contiguous
// runs of bytes at the same offsets everywhere: one per kernel row, or one per tap where columns are dilated or
// grouped.
#include "gemm/layer.h"
#include "gemm/weights.h"
#include "ops/padded_input.h"
#include "ops/sum_of_products.h"

namespace intaglio {

namespace {

constexpr std::size_t kOwnAttrs = 9;  // stride[2], padding[4], dilation[2], groups

// One spatial axis.
struct WindowAxis {
  std::int64_t input = 0, kernel = 0, stride = 0, before = 0, after = 0, dilation = 0;

  std::int64_t extent() const { return dilation * (kernel - 1) + 1; }
  std::int64_t output() const { return (input + before + after - extent()) / stride + 1; }
  bool fits() const { return input + before + after >= extent(); }
  // Positions from the first that a window reads to the last.
  std::int64_t span() const { return (output() - 1) * stride + extent(); }
};

struct Geometry {
  WindowAxis height, width;
  std::int64_t groups = 1;
};

Result<Geometry> read_geometry(const Node& node, const Tensor& x, const Tensor& weight) {
  const auto attrs = node.attrs;
  Geometry g;
  g.height = {x.dims[1], weight.dims[1], attrs[0], attrs[2], attrs[4], attrs[6]};
  g.width = {x.dims[2], weight.dims[2], attrs[1], attrs[3], attrs[5], attrs[7]};
  g.groups = attrs[8];
  for (const WindowAxis& axis : {g.height, g.width}) {
    INTAGLIO_TRY(check_between(node, "kernel", axis.kernel, 1, kWindowLimit));
    INTAGLIO_TRY(check_between(node, "stride", axis.stride, 1, kWindowLimit));
    INTAGLIO_TRY(check_between(node, "padding", axis.before, 0, kWindowLimit));
    INTAGLIO_TRY(check_between(node, "padding", axis.after, 0, kWindowLimit));
    INTAGLIO_TRY(check_between(node, "dilation", axis.dilation, 1, kWindowLimit));
    if (!axis.fits()) {
      return node_error(Code::kShape, node, "a window of %lld positions does not fit the padded input of %lld",
                        static_cast<long long>(axis.extent()),
                        static_cast<long long>(axis.input + axis.before + axis.after));
    }
  }
  INTAGLIO_TRY(check_between(node, "groups", g.groups, 1, kWindowLimit));
  if (x.dims[3] % g.groups != 0 || weight.dims[0] % g.groups != 0) {
    return node_error(Code::kShape, node, "%lld groups do not divide %lld input and %lld output channels",
                      static_cast<long long>(g.groups), static_cast<long long>(x.dims[3]),
                      static_cast<long long>(weight.dims[0]));
  }
  return g;
}

// The runs of a window: offsets into the input in bytes, and into a column's weights in elements.
struct Runs {
  std::span<const std::ptrdiff_t> input, weight;
  std::int64_t depth = 0;
};

Result<Runs> plan_runs(const Node& node, Planner& planner, const Geometry& g, std::int64_t channels,
                       std::ptrdiff_t row_stride) {
  const bool whole_rows = g.groups == 1 && g.width.dilation == 1;
  const std::int64_t across = whole_rows ? 1 : g.width.kernel;
  const std::int64_t depth = channels / g.groups * (whole_rows ? g.width.kernel : 1);
  const auto count = static_cast<std::size_t>(g.height.kernel * across);
  auto* input = planner.make<std::ptrdiff_t>(count);
  auto* weight = planner.make<std::ptrdiff_t>(count);
  if (input == nullptr || weight == nullptr) return out_of_memory(node);
  for (std::size_t i = 0; i < count; ++i) {
    const auto ky = static_cast<std::int64_t>(i) / across;
    const auto kx = static_cast<std::int64_t>(i) % across;
    input[i] = ky * g.height.dilation * row_stride + kx * g.width.dilation * channels;
    weight[i] = static_cast<std::int64_t>(i) * depth;
  }
  return Runs{{input, count}, {weight, count}, depth};
}

}  // namespace

Status prepare_conv2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, kSumInputs, 1, kOwnAttrs + kSumAttrs));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& weight = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_rank(node, x, "input", 4));
  INTAGLIO_TRY(check_rank(node, weight, "weight", 4));
  auto geometry = read_geometry(node, x, weight);
  if (!geometry.ok()) return geometry.status();
  const Geometry& g = geometry.value();
  const std::int64_t images = x.dims[0], in = x.dims[3], out = weight.dims[0];
  INTAGLIO_TRY(
      check_constant(node, weight, "weight", DType::kInt8, {out, g.height.kernel, g.width.kernel, in / g.groups}));
  INTAGLIO_TRY(check_dims(node, y, "output", {images, g.height.output(), g.width.output(), out}));
  auto parameters = read_sum(node, model, out);
  if (!parameters.ok()) return parameters.status();
  const SumParameters& sum = parameters.value();
  if (y.elements == 0) return {};

  const std::int64_t window = g.height.kernel * g.width.kernel * (in / g.groups);
  const std::ptrdiff_t whole[] = {0};
  INTAGLIO_TRY(check_sums(node, sum, {weight.values<std::int8_t>().data(), out, window, whole, window}));

  auto viewed = view_input(node, planner, {-g.height.before, g.height.span(), -g.width.before, g.width.span()});
  if (!viewed.ok()) return viewed.status();
  const InputView& view = viewed.value();
  auto planned = plan_runs(node, planner, g, in, view.row_stride);
  if (!planned.ok()) return planned.status();
  const Runs& runs = planned.value();
  const WeightLayout layout = {weight.values<std::int8_t>().data(), out / g.groups, window, runs.weight, runs.depth};
  auto packed = pack_weights(node, planner, layout, g.groups, sum.bias, sum.input_zero_point, sum.weight_zero_point);
  if (!packed.ok()) return packed.status();
  auto requantization = make_requantization(node, planner, sum.requantization, g.groups, out / g.groups);
  if (!requantization.ok()) return requantization.status();

  const std::int64_t rows = g.width.output(), lines = g.height.output();
  GemmLayer layer;
  layer.input = view.slot;
  layer.input_offset = view.offset;
  layer.output = planner.tensor(node.outputs[0]);
  layer.axes[0] = {images, view.image_stride, lines * rows * out};
  // The stride of a single line could overflow.
  if (lines > 1) layer.axes[1] = {lines, g.height.stride * view.row_stride, rows * out};
  layer.axes[2] = {rows, g.width.stride * in, out};
  layer.groups = g.groups;
  layer.group_input_stride = in / g.groups;
  layer.group_columns = out / g.groups;
  layer.taps = runs.input;
  layer.depth = runs.depth;
  layer.weights = packed.value().panels;
  layer.bias = packed.value().bias;
  layer.requantization = requantization.value();
  layer.weight_zero_point = sum.weight_zero_point;
  return emit_gemm(node, planner, layer, window == in ? "pointwise: one run a row" : "windows as runs of bytes");
}

}  // namespace intaglio
