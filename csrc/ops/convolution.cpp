#include "ops/convolution.h"

#include "ops/checks.h"

namespace intaglio {

Result<Convolution> read_windows(const Node& node, const Tensor& x, std::int64_t kernel_height,
                                 std::int64_t kernel_width) {
  const auto attrs = node.attrs;
  Convolution g;
  g.height = {x.dims[1], kernel_height, attrs[0], attrs[2], attrs[4], attrs[6]};
  g.width = {x.dims[2], kernel_width, attrs[1], attrs[3], attrs[5], attrs[7]};
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
  return g;
}

Result<Convolution> read_convolution(const Node& node, const Tensor& x, const Tensor& weight, const Tensor& y) {
  INTAGLIO_TRY(check_rank(node, x, "input", 4));
  INTAGLIO_TRY(check_rank(node, weight, "weight", 4));
  auto windows = read_windows(node, x, weight.dims[1], weight.dims[2]);
  if (!windows.ok()) return windows;
  Convolution g = windows.value();
  g.groups = node.attrs[kWindowAttrs];
  INTAGLIO_TRY(check_between(node, "groups", g.groups, 1, kWindowLimit));
  const std::int64_t in = x.dims[3], out = weight.dims[0];
  if (in % g.groups != 0 || out % g.groups != 0) {
    return node_error(Code::kShape, node, "%lld groups do not divide %lld input and %lld output channels",
                      static_cast<long long>(g.groups), static_cast<long long>(in), static_cast<long long>(out));
  }
  INTAGLIO_TRY(check_dims(node, weight, "weight", {out, g.height.kernel, g.width.kernel, in / g.groups}));
  INTAGLIO_TRY(check_dims(node, y, "output", {x.dims[0], g.height.output(), g.width.output(), out}));
  return g;
}

Result<WindowRuns> plan_runs(const Node& node, Planner& planner, const Convolution& g, std::int64_t channels,
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
  return WindowRuns{{input, count}, {weight, count}, depth};
}

}  // namespace intaglio
