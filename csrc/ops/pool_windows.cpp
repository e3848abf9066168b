#include "ops/pool_windows.h"

#include <cinttypes>

#include "ops/checks.h"
#include "ops/convolution.h"

namespace intaglio {

namespace {

// Checks one axis and that each of its windows touches the input: the first ends after its start and the last begins
// before its end, so all do.
Status check_axis(const Node& node, const char* name, const PoolAxis& axis, std::int64_t after) {
  INTAGLIO_TRY(check_between(node, "kernel", axis.kernel, 1, kWindowLimit));
  INTAGLIO_TRY(check_between(node, "stride", axis.stride, 1, kWindowLimit));
  INTAGLIO_TRY(check_between(node, "padding", axis.before, 0, kWindowLimit));
  INTAGLIO_TRY(check_between(node, "padding", after, 0, kWindowLimit));
  const std::int64_t room = axis.size + axis.before + after - axis.kernel;
  if (room < 0 || axis.outputs != room / axis.stride + 1) {
    return node_error(Code::kShape, node, "%s: expected %" PRId64 " outputs, got %" PRId64, name,
                      room < 0 ? 0 : room / axis.stride + 1, axis.outputs);
  }
  if (axis.size == 0 || axis.before >= axis.kernel || (axis.outputs - 1) * axis.stride - axis.before >= axis.size) {
    return node_error(Code::kShape, node, "%s: expected every window to touch the input, got one outside", name);
  }
  return {};
}

}  // namespace

Result<PoolAxes> read_pool_axes(const Node& node, const Tensor& x, const Tensor& y,
                                std::span<const std::int64_t> attrs) {
  INTAGLIO_TRY(check_rank(node, x, "input", 4));
  INTAGLIO_TRY(check_rank(node, y, "output", 4));
  const std::int64_t dims[] = {x.dims[0], y.dims[1], y.dims[2], x.dims[3]};
  INTAGLIO_TRY(check_dims(node, y, "output", dims));
  const auto kernel = attrs.first(2), stride = attrs.subspan(2, 2), padding = attrs.subspan(4, 4);
  const PoolAxes axes = {{x.dims[1], kernel[0], stride[0], padding[0], y.dims[1]},
                         {x.dims[2], kernel[1], stride[1], padding[1], y.dims[2]}};
  INTAGLIO_TRY(check_axis(node, "height", axes.rows, padding[2]));
  INTAGLIO_TRY(check_axis(node, "width", axes.columns, padding[3]));
  return axes;
}

}  // namespace intaglio
