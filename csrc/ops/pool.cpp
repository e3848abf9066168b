#include <algorithm>
#include <cinttypes>

#include "kernels/vector.h"
#include "ops/checks.h"
#include "ops/pool_windows.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

// Positions in a window, so that 255.5 times as many stay below 2^31.
constexpr std::int64_t kLargestWindow = (std::int64_t{1} << 23) - 1;
// Cost of one output position, and of each byte of its window, in multiply-accumulates.
constexpr std::int64_t kPositionCost = 1024, kByteCost = 4;

enum class Rounding : std::int64_t { kHalfAway = 1, kHalfUp = 2 };

struct Arguments {
  Slot x, y;
  std::int64_t batch, channels;
  PoolAxis rows, columns;
  MaxPoolFunction max_pool;
  AveragePoolFunction average_pool;
  std::uint8_t low, high;
};

// Parts are ranges of output rows over the whole batch. kernel(x, window, y) computes one output position.
template <class Kernel>
void for_each_window(const Arguments& args, const Memory& memory, int part, int parts, const Kernel& kernel) {
  const PoolAxis &rows = args.rows, &columns = args.columns;
  const std::int64_t row_bytes = columns.size * args.channels;
  const Range range = split(args.batch * rows.outputs, part, parts);
  const auto* x = memory.at<std::uint8_t>(args.x);
  auto* y = memory.at<std::uint8_t>(args.y) + range.begin * columns.outputs * args.channels;
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    const std::int64_t i = row % rows.outputs, top = rows.first(i);
    const std::uint8_t* image = x + row / rows.outputs * rows.size * row_bytes;
    for (std::int64_t j = 0; j < columns.outputs; ++j, y += args.channels) {
      const std::int64_t left = columns.first(j);
      Window window;
      window.count[2] = static_cast<std::size_t>(rows.last(i) - top);
      window.count[3] = static_cast<std::size_t>(columns.last(j) - left);
      window.stride[2] = row_bytes;
      window.stride[3] = args.channels;
      kernel(image + top * row_bytes + left * args.channels, window, y);
    }
  }
}

void run_max(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const auto channels = static_cast<std::size_t>(args.channels);
  for_each_window(args, memory, part, parts, [&](const std::uint8_t* x, const Window& window, std::uint8_t* y) {
    args.max_pool(x, window, args.low, args.high, y, channels);
  });
}

void run_average(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const auto channels = static_cast<std::size_t>(args.channels);
  for_each_window(args, memory, part, parts, [&](const std::uint8_t* x, const Window& window, std::uint8_t* y) {
    const auto count = static_cast<std::int32_t>(window.count[2] * window.count[3]);
    args.average_pool(x, window, {.count = count, .low = args.low, .high = args.high}, y, channels);
  });
}

// The attributes kernel, stride, padding and clamp, which come first in both ops.
Result<Arguments> read_pool(const Node& node, Planner& planner, std::size_t attrs) {
  INTAGLIO_TRY(check_signature(node, 1, 1, attrs));
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  INTAGLIO_TRY(check_activation(node, x, "input"));
  INTAGLIO_TRY(check_like(node, y, "output", x));
  const auto clamp = node.attrs.subspan(8, 2);
  INTAGLIO_TRY(check_clamp(node, clamp[0], clamp[1]));
  auto axes = read_pool_axes(node, x, y, node.attrs.first(8));
  if (!axes.ok()) return axes.status();
  const std::int64_t window = axes.value().rows.kernel * axes.value().columns.kernel;
  INTAGLIO_TRY(check_between(node, "positions in a window", window, 1, kLargestWindow));

  Arguments args = {};
  args.rows = axes.value().rows;
  args.columns = axes.value().columns;
  args.batch = x.dims[0];
  args.channels = x.dims[3];
  args.low = static_cast<std::uint8_t>(clamp[0] + kStorageOffset);
  args.high = static_cast<std::uint8_t>(clamp[1] + kStorageOffset);
  return args;
}

Status emit_pool(const Node& node, Planner& planner, const Arguments& pool, StepFunction run, const char* kernel) {
  const Tensor& y = planner.model().output(node);
  if (y.elements == 0) return {};
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  *args = pool;
  args->x = planner.tensor(node.inputs[0]);
  args->y = planner.tensor(node.outputs[0]);
  const std::int64_t window = pool.rows.kernel * pool.columns.kernel;
  const std::int64_t cost =
      y.elements / pool.channels * kPositionCost + std::min(y.elements, std::int64_t{1} << 32) * window * kByteCost;
  const std::int64_t rows = pool.batch * pool.rows.outputs;
  return planner.emit({.run = run,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(cost), rows)),
                       .kernel = kernel});
}

}  // namespace

Status prepare_max_pool2d(const Node& node, Planner& planner) {
  auto args = read_pool(node, planner, 10);
  if (!args.ok()) return args.status();
  const auto& kernel = planner.kernels().vector->max_pool;
  args.value().max_pool = kernel.run;
  return emit_pool(node, planner, args.value(), run_max, kernel.name);
}

Status prepare_average_pool2d(const Node& node, Planner& planner) {
  auto args = read_pool(node, planner, 11);
  if (!args.ok()) return args.status();
  INTAGLIO_TRY(check_between(node, "rounding", node.attrs[10], 1, 2));
  const VectorKernels& kernels = *planner.kernels().vector;
  const bool half_away = static_cast<Rounding>(node.attrs[10]) == Rounding::kHalfAway;
  const auto& kernel = half_away ? kernels.average_pool_half_away : kernels.average_pool_half_up;
  args.value().average_pool = kernel.run;
  return emit_pool(node, planner, args.value(), run_average, kernel.name);
}

}  // namespace intaglio
