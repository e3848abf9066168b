#include "ops/reduction.h"

#include <limits>

#include "ops/checks.h"
#include "runtime/planner.h"

namespace intaglio {

Result<ReducedAxes> read_axes(const Node& node, const Tensor& x, const Tensor& y,
                              std::span<const std::int64_t> listed) {
  ReducedAxes axes;
  std::int64_t previous = -1;
  for (const std::int64_t axis : listed) {
    INTAGLIO_TRY(
        check_between(node, "axes, ascending", axis, previous + 1, static_cast<std::int64_t>(x.dims.size()) - 1));
    axes.reduced[axis] = true;
    const std::int64_t dim = x.dims[static_cast<std::size_t>(axis)];
    if (__builtin_mul_overflow(axes.count, dim, &axes.count)) axes.count = std::numeric_limits<std::int64_t>::max();
    previous = axis;
  }
  const bool keeps = y.dims.size() == x.dims.size();
  Dims dims;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    if (!axes.reduced[i]) dims.push(x.dims[i]);
    if (axes.reduced[i] && keeps) dims.push(1);
  }
  INTAGLIO_TRY(check_dims(node, y, "output", dims.span()));
  return axes;
}

Window window_of(const NdLoop<1>& reduced) {
  Window window;
  const int first = Window::kLoops - reduced.rank;
  for (int i = 0; i < reduced.rank; ++i) {
    window.count[first + i] = static_cast<std::size_t>(reduced.count[i]);
    window.stride[first + i] = reduced.stride[i][0];
  }
  return window;
}

}  // namespace intaglio
