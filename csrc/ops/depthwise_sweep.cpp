#include "ops/depthwise_sweep.h"

#include <algorithm>

#include "base/checked.h"

namespace intaglio {

namespace {

constexpr std::int64_t kWindow = 3;
constexpr std::size_t kGroupRows = 4;

struct SweepPlan {
  void (*run)(const DepthwiseSweep& work) = nullptr;
  DepthwiseShape shape{};
  DepthwiseSweep sweep;                       // what is common to all rows
  const std::uint8_t* padding_row = nullptr;  // one row of zero points
  std::int64_t rows = 1;                      // of one sweep
  std::int64_t row_bytes = 0;                 // of the output
  Slot x, y;
  PartSlots spare;  // a row, for the second row of sweeps that have none
};

Status pack(const Node& node, Planner& planner, const SumParameters& parameters, const DepthwiseKernels& kernels,
            SweepPlan& plan) {
  const auto channels = static_cast<std::size_t>(plan.shape.channels);
  const DepthwiseEntries entries = {plan.shape.channels,
                                    static_cast<std::int64_t>(sweep_entries(channels, kernels.chunk)),
                                    static_cast<std::int64_t>(kernels.chunk)};
  INTAGLIO_TRY(make_channel_arrays(node, planner, parameters, entries, kernels.input_offset, plan.sweep.bias,
                                   plan.sweep.requantization));
  constexpr auto kBytes = static_cast<std::int64_t>(kCellBytes);
  std::int64_t bytes = 0;
  if (!checked_mul(entries.count, plan.rows * kWindow * kBytes, bytes)) return out_of_memory(node);
  auto* const packed = planner.make<std::byte>(static_cast<std::size_t>(bytes));
  if (packed == nullptr) return out_of_memory(node);
  std::byte* cell = packed;
  const std::size_t chunks = sweep_chunks(channels, kernels.chunk);
  for (std::size_t i = 0; i < chunks; ++i) {
    const auto first = static_cast<std::int64_t>(i * kernels.chunk);
    const auto width = static_cast<std::int64_t>(sweep_chunk(channels, kernels.chunk, i).width);
    for (std::int64_t row = 0; row < plan.rows; ++row) {
      for (std::int64_t kx = 0; kx < kWindow; ++kx) {
        for (std::int64_t entry = first; entry < first + width; ++entry, cell += kBytes) {
          pack_cell(plan.shape, parameters, kernels.group_rows, -row, kx, entries.channel(entry), cell);
        }
      }
    }
  }
  plan.sweep.weights = packed;
  plan.sweep.padding_cell = padding_cell(kernels, parameters.input_zero_point);
  return make_padding_row(node, planner, parameters, plan.shape, plan.padding_row);
}

// A range of rows, counted over all images.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& plan = *static_cast<const SweepPlan*>(arguments);
  const DepthwiseShape& shape = plan.shape;
  const auto* x = memory.at<const std::uint8_t>(plan.x);
  auto* y = memory.at<std::uint8_t>(plan.y);
  auto* spare = memory.at<std::uint8_t>(plan.spare.of(part));
  const std::int64_t input_row = shape.width * shape.channels;
  DepthwiseSweep work = plan.sweep;
  const Range range = split(shape.batch * shape.out_height, part, parts);
  for (std::int64_t i = range.begin; i < range.end;) {
    const std::int64_t image = i / shape.out_height, row = i % shape.out_height;
    const std::int64_t rows = std::min({plan.rows, shape.out_height - row, range.end - i});
    const std::uint8_t* const from = x + image * shape.height * input_row;
    for (std::size_t k = 0; k < kGroupRows; ++k) {
      const std::int64_t at = row * shape.stride_h - shape.top + static_cast<std::int64_t>(k);
      work.rows[k] = at >= 0 && at < shape.height ? from + at * input_row : plan.padding_row;
    }
    work.out = y + i * plan.row_bytes;
    work.out_row_step = rows < plan.rows ? spare - work.out : plan.row_bytes;
    plan.run(work);
    i += rows;
  }
}

// Whether chunks that overlap repeat little work; with stride 2, bands do so much more that half is little.
bool fills_chunks(const DepthwiseKernels& kernels, const DepthwiseShape& shape) {
  const auto chunk = static_cast<std::int64_t>(kernels.chunk);
  if (shape.channels < chunk && 2 * shape.channels != chunk) {
    return shape.stride_h == 1 && chunk % shape.channels == 0 && shape.out_width * shape.channels >= chunk;
  }
  const auto done = static_cast<std::int64_t>(sweep_entries(static_cast<std::size_t>(shape.channels), kernels.chunk));
  return shape.stride_h == 2 || 6 * done <= 7 * shape.channels;
}

}  // namespace

bool sweeps(const DepthwiseKernels& kernels, const DepthwiseShape& shape,
            const RequantizationParameters& requantization) {
  const auto is = [](std::int64_t a, std::int64_t b, std::int64_t both) { return a == both && b == both; };
  return requantization.mode == RequantizationMode::kFloat32 && requantization.bounded() &&
         (is(shape.stride_h, shape.stride_w, 1) || is(shape.stride_h, shape.stride_w, 2)) &&
         kernels.sweep[shape.stride_h - 1] != nullptr && is(shape.kernel_h, shape.kernel_w, kWindow) &&
         is(shape.dilation_h, shape.dilation_w, 1) && shape.multiplier() == 1 && shape.left < kWindow &&
         fills_chunks(kernels, shape);
}

Status prepare_sweep(const Node& node, Planner& planner, const SumParameters& parameters, const DepthwiseShape& shape,
                     const DepthwiseKernels& kernels, Step& step) {
  auto* plan = planner.make<SweepPlan>();
  if (plan == nullptr) return out_of_memory(node);
  plan->run = kernels.sweep[shape.stride_h - 1];
  plan->shape = shape;
  plan->rows = sweep_rows(static_cast<int>(shape.stride_h));
  plan->row_bytes = shape.out_width * shape.channels;
  plan->sweep.before = static_cast<std::size_t>(shape.left);
  plan->sweep.inside = static_cast<std::size_t>(shape.width);
  plan->sweep.channels = static_cast<std::size_t>(shape.channels);
  plan->sweep.columns = static_cast<std::size_t>(shape.out_width);
  INTAGLIO_TRY(pack(node, planner, parameters, kernels, *plan));
  step.parts = static_cast<int>(std::min<std::int64_t>(step.parts, shape.batch * shape.out_height));
  plan->x = planner.tensor(node.inputs[0]);
  plan->y = planner.tensor(node.outputs[0]);
  plan->spare = planner.part_scratch(static_cast<std::uint64_t>(plan->rows > 1 ? plan->row_bytes : 0), step.parts);
  step.run = run;
  step.arguments = plan;
  return {};
}

}  // namespace intaglio
