#include "ops/transposed_phases.h"

#include <algorithm>

#include "ops/checks.h"
#include "ops/convolution.h"

namespace intaglio {

namespace {

Status check_axis(const Node& node, const TransposedAxis& axis) {
  INTAGLIO_TRY(check_between(node, "input size", axis.input, 1, INT32_MAX));
  INTAGLIO_TRY(check_between(node, "kernel", axis.kernel, 1, kWindowLimit));
  INTAGLIO_TRY(check_between(node, "stride", axis.stride, 1, kWindowLimit));
  INTAGLIO_TRY(check_between(node, "padding before", axis.before, 0, kWindowLimit));
  INTAGLIO_TRY(check_between(node, "padding after", axis.after, -kWindowLimit, kWindowLimit));
  return check_between(node, "output size", axis.output(), 1, INT32_MAX);
}

}  // namespace

Result<TransposedAxes> read_transposed(const Node& node, const Tensor& x, const Tensor& weight, const Tensor& y) {
  const auto attrs = node.attrs;
  INTAGLIO_TRY(check_rank(node, x, "input", 4));
  INTAGLIO_TRY(check_rank(node, weight, "weight", 4));
  const TransposedAxes axes = {{x.dims[1], weight.dims[1], attrs[0], attrs[2], attrs[4]},
                               {x.dims[2], weight.dims[2], attrs[1], attrs[3], attrs[5]}};
  INTAGLIO_TRY(check_axis(node, axes.height));
  INTAGLIO_TRY(check_axis(node, axes.width));
  const std::int64_t out = weight.dims[0];
  INTAGLIO_TRY(check_dims(node, weight, "weight", {out, axes.height.kernel, axes.width.kernel, x.dims[3]}));
  INTAGLIO_TRY(check_dims(node, y, "output", {x.dims[0], axes.height.output(), axes.width.output(), out}));
  return axes;
}

Phase phase_of(const TransposedAxis& axis, std::int64_t phase) {
  Phase p;
  p.phase = phase;
  p.first = ((phase - axis.before) % axis.stride + axis.stride) % axis.stride;
  p.count = p.first < axis.output() ? (axis.output() - 1 - p.first) / axis.stride + 1 : 0;
  p.taps = phase < axis.kernel ? (axis.kernel - 1 - phase) / axis.stride + 1 : 0;
  p.input = (p.first + axis.before - phase) / axis.stride;
  return p;
}

std::int64_t phases_with_taps(const TransposedAxis& axis) { return std::min(axis.stride, axis.kernel); }

Result<PhaseTaps> plan_taps(const Node& node, Planner& planner, const TransposedAxes& axes, const Phase& down,
                            const Phase& across, std::ptrdiff_t row_stride, std::int64_t channels) {
  const auto taps = static_cast<std::size_t>(down.taps * across.taps);
  auto* input = planner.make<std::ptrdiff_t>(taps);
  auto* weight = planner.make<std::ptrdiff_t>(taps);
  if (input == nullptr || weight == nullptr) return out_of_memory(node);
  for (std::size_t i = 0; i < taps; ++i) {
    const auto t = static_cast<std::int64_t>(i) / across.taps;
    const auto u = static_cast<std::int64_t>(i) % across.taps;
    const std::int64_t row = down.phase + t * axes.height.stride, column = across.phase + u * axes.width.stride;
    input[i] = -t * row_stride - u * channels;
    weight[i] = (row * axes.width.kernel + column) * channels;
  }
  return PhaseTaps{{input, taps}, {weight, taps}};
}

Positions positions_met(const TransposedAxis& axis) {
  std::int64_t first = INT64_MAX, last = INT64_MIN;
  for (std::int64_t i = 0; i < phases_with_taps(axis); ++i) {
    const Phase p = phase_of(axis, i);
    if (p.count == 0) continue;
    first = std::min(first, p.input - (p.taps - 1));
    last = std::max(last, p.input + p.count - 1);
  }
  return first > last ? Positions{} : Positions{first, last - first + 1};
}

}  // namespace intaglio
