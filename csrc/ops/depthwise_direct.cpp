#include "ops/depthwise_direct.h"

#include <algorithm>

namespace intaglio {

namespace {

struct DirectPlan {
  void (*run)(const DepthwiseDirect& work) = nullptr;
  DepthwiseShape shape{};
  DepthwiseDirect position;               // what is common to all positions
  const std::uint8_t* padding = nullptr;  // zero points of all channels
  Slot x, y;
  PartSlots taps;  // the addresses of a window
};

// The addresses of the window of output `row` and `column`.
void find_taps(const DirectPlan& plan, const std::uint8_t* image, std::int64_t row, std::int64_t column,
               const std::uint8_t** taps) {
  const DepthwiseShape& shape = plan.shape;
  const std::int64_t top = row * shape.stride_h - shape.top, left = column * shape.stride_w - shape.left;
  for (std::int64_t ky = 0; ky < shape.kernel_h; ++ky) {
    const std::int64_t y = top + ky * shape.dilation_h;
    for (std::int64_t kx = 0; kx < shape.kernel_w; ++kx) {
      const std::int64_t x = left + kx * shape.dilation_w;
      const bool inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
      *taps++ = inside ? image + (y * shape.width + x) * shape.channels : plan.padding;
    }
  }
}

// A range of rows, counted over all images.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& plan = *static_cast<const DirectPlan*>(arguments);
  const DepthwiseShape& shape = plan.shape;
  DepthwiseDirect work = plan.position;
  const std::uint8_t** const taps = memory.at<const std::uint8_t*>(plan.taps.of(part));
  work.taps = taps;
  const Range range = split(shape.batch * shape.out_height, part, parts);
  work.out = memory.at<std::uint8_t>(plan.y) + range.begin * shape.out_width * shape.out_channels;
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const std::uint8_t* const image =
        memory.at<const std::uint8_t>(plan.x) + i / shape.out_height * shape.height * shape.width * shape.channels;
    for (std::int64_t column = 0; column < shape.out_width; ++column, work.out += shape.out_channels) {
      find_taps(plan, image, i % shape.out_height, column, taps);
      plan.run(work);
    }
  }
}

}  // namespace

bool runs_directly(const DepthwiseKernels& kernels, const DepthwiseShape& shape, const SumParameters& parameters) {
  return kernels.direct != nullptr && shape.multiplier() == 1 && parameters.weight_zero_point == 0;
}

Status prepare_direct(const Node& node, Planner& planner, const SumParameters& parameters, const DepthwiseShape& shape,
                      const DepthwiseKernels& kernels, Step& step) {
  const std::span<const std::int8_t> weights = parameters.weight->values<std::int8_t>();
  const auto channels = static_cast<std::size_t>(shape.channels);
  auto* plan = planner.make<DirectPlan>();
  auto* padding = planner.make<std::uint8_t>(channels);
  const std::int8_t* kept = planner.keep(weights);
  if (plan == nullptr || padding == nullptr || kept == nullptr) return out_of_memory(node);
  std::fill_n(padding, channels, static_cast<std::uint8_t>(parameters.input_zero_point));
  plan->run = kernels.direct;
  plan->shape = shape;
  plan->padding = padding;
  plan->position.weights = kept;
  plan->position.tap_count = weights.size() / channels;
  plan->position.channels = channels;
  INTAGLIO_TRY(make_channel_arrays(node, planner, parameters, {shape.channels, shape.channels, 0}, 0,
                                   plan->position.bias, plan->position.requantization));
  step.parts = static_cast<int>(std::min<std::int64_t>(step.parts, shape.batch * shape.out_height));
  plan->x = planner.tensor(node.inputs[0]);
  plan->y = planner.tensor(node.outputs[0]);
  plan->taps = planner.part_scratch(plan->position.tap_count * sizeof(void*), step.parts);
  step.run = run;
  step.arguments = plan;
  return {};
}

}  // namespace intaglio
