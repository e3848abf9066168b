// float_pool2d and float_reduce: windows of values that become one, for a run of channels at a time.
#include <algorithm>

#include "kernels/float_vector.h"
#include "ops/checks.h"
#include "ops/float_checks.h"
#include "ops/nd_loop.h"
#include "ops/pool_windows.h"
#include "ops/reduction.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kElementCost = 4;

enum class PoolKind : std::int64_t { kMax, kAverage, kAverageIncludingPadding };
enum class ReduceKind : std::int64_t { kMean, kSum, kMax, kMin };

struct PoolArguments {
  Slot x, y;
  FloatWindowFunction run;
  std::int64_t batch, channels;
  PoolAxes axes;
  bool whole_kernel;  // divide by the size of the kernel, not by the positions inside
};

// Parts are ranges of output rows over the whole batch.
void run_pool(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const PoolArguments*>(arguments);
  const PoolAxis &rows = a.axes.rows, &columns = a.axes.columns;
  const std::int64_t line = columns.size * a.channels;
  const Range range = split(a.batch * rows.outputs, part, parts);
  auto* y = memory.at<float>(a.y) + range.begin * columns.outputs * a.channels;
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    const std::int64_t i = row % rows.outputs, top = rows.first(i);
    const float* image = memory.at<const float>(a.x) + row / rows.outputs * rows.size * line;
    for (std::int64_t j = 0; j < columns.outputs; ++j, y += a.channels) {
      const std::int64_t left = columns.first(j);
      Window window;
      window.count[2] = static_cast<std::size_t>(rows.last(i) - top);
      window.count[3] = static_cast<std::size_t>(columns.last(j) - left);
      window.stride[2] = line;
      window.stride[3] = a.channels;
      const std::int64_t inside = (rows.last(i) - top) * (columns.last(j) - left);
      const std::int64_t divisor = a.whole_kernel ? rows.kernel * columns.kernel : inside;
      a.run(image + top * line + left * a.channels, window, static_cast<double>(divisor), y,
            static_cast<std::size_t>(a.channels));
    }
  }
}

struct ReduceArguments {
  Slot x, y;
  FloatWindowFunction run;
  NdLoop<2> outer;  // over x and y: what is kept, less `channels`
  Window window;
  double divisor;
  std::size_t channels;
};

void run_reduce(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const ReduceArguments*>(arguments);
  const Range range = split(a.outer.total(), part, parts);
  NdPosition<2> position(a.outer, range.begin);
  for (std::int64_t i = range.begin; i < range.end; ++i, position.next()) {
    a.run(memory.at<const float>(a.x) + position.offset(0), a.window, a.divisor,
          memory.at<float>(a.y) + position.offset(1), a.channels);
  }
}

}  // namespace

Status prepare_float_pool2d(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 9));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_all_float(node, model));
  INTAGLIO_TRY(check_between(node, "kind", node.attrs[0], 0, 2));
  const auto kind = static_cast<PoolKind>(node.attrs[0]);
  auto axes = read_pool_axes(node, x, y, node.attrs.subspan(1));
  if (!axes.ok()) return axes.status();
  const std::int64_t size = axes.value().rows.kernel * axes.value().columns.kernel;
  INTAGLIO_TRY(check_between(node, "positions in a window", size, 1, (std::int64_t{1} << 24) - 1));
  if (y.elements == 0) return {};
  auto* args = planner.make<PoolArguments>();
  if (args == nullptr) return out_of_memory(node);
  const FloatVectorKernels& kernels = *planner.kernels().float_vector;
  const auto& kernel = kind == PoolKind::kMax ? kernels.max : kernels.mean;
  *args = {planner.tensor(node.inputs[0]),
           planner.tensor(node.outputs[0]),
           kernel.run,
           x.dims[0],
           x.dims[3],
           axes.value(),
           kind == PoolKind::kAverageIncludingPadding};
  const int parts = planner.parts_for(y.elements * std::min(size, std::int64_t{1} << 16) * kElementCost);
  return planner.emit({.run = run_pool,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(parts, x.dims[0] * axes.value().rows.outputs)),
                       .kernel = kernel.name});
}

Status prepare_float_reduce(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 1, std::max<std::size_t>(node.attrs.size(), 1)));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_all_float(node, model));
  INTAGLIO_TRY(check_between(node, "kind", node.attrs[0], 0, 3));
  const auto kind = static_cast<ReduceKind>(node.attrs[0]);
  auto axes = read_axes(node, x, y, node.attrs.subspan(1));
  if (!axes.ok()) return axes.status();
  if (axes.value().count < 1) {
    return node_error(Code::kShape, node, "expected one value or more to reduce, got none");
  }
  if (y.elements == 0) return {};
  auto* args = planner.make<ReduceArguments>();
  if (args == nullptr) return out_of_memory(node);
  const Strides from(x.dims);
  NdLoop<1> reduced;
  std::int64_t to = y.elements;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    if (axes.value().reduced[i]) {
      reduced.add(x.dims[i], {from.at[i]});
    } else {
      to /= x.dims[i];
      args->outer.add(x.dims[i], {from.at[i], to});
    }
  }
  args->channels = 1;
  if (args->outer.rank > 0 && args->outer.stride[args->outer.rank - 1][0] == 1) {
    args->channels = static_cast<std::size_t>(args->outer.count[--args->outer.rank]);
  }
  args->window = window_of(reduced);
  args->divisor = kind == ReduceKind::kMean ? static_cast<double>(axes.value().count) : 1;
  const FloatVectorKernels& kernels = *planner.kernels().float_vector;
  const auto& kernel = kind == ReduceKind::kMax ? kernels.max : kind == ReduceKind::kMin ? kernels.min : kernels.mean;
  args->run = kernel.run;
  args->x = planner.tensor(node.inputs[0]);
  args->y = planner.tensor(node.outputs[0]);
  const int parts = planner.parts_for(x.elements * kElementCost);
  return planner.emit({.run = run_reduce,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(parts, args->outer.total())),
                       .kernel = kernel.name,
                       .reason = args->channels > 1 ? "innermost axis kept" : "innermost axis reduced"});
}

}  // namespace intaglio
