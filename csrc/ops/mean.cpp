#include <algorithm>

#include "kernels/vector.h"
#include "ops/activation.h"
#include "ops/checks.h"
#include "ops/nd_loop.h"
#include "ops/reduction.h"
#include "ops/requantization.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kByteCost = 4;
// Sums are requantized this many at a time.
constexpr std::int64_t kBatch = 64;

struct Arguments {
  Slot x, y;
  NdLoop<2> outer;  // over x and y: what is kept, less `channels`
  Window window;
  ScalarRequantization requantization;
  // Where the innermost axis is kept: that many channels at a time. Where it is reduced: runs of `run` bytes.
  std::size_t channels, run;
  MeanFunction mean;
  SumFunction sum;
  RequantizeFunction requantize;
};

void run_channels(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const auto* x = memory.at<std::uint8_t>(args.x);
  auto* y = memory.at<std::uint8_t>(args.y);
  const Range range = split(args.outer.total(), part, parts);
  NdPosition<2> position(args.outer, range.begin);
  for (std::int64_t i = range.begin; i < range.end; ++i, position.next()) {
    args.mean(x + position.offset(0), args.window, args.requantization, y + position.offset(1), args.channels);
  }
}

void run_sums(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const auto* x = memory.at<std::uint8_t>(args.x);
  auto* y = memory.at<std::uint8_t>(args.y);
  const Range range = split(args.outer.total(), part, parts);
  NdPosition<2> position(args.outer, range.begin);
  std::int32_t sums[kBatch] = {};
  for (std::int64_t i = range.begin; i < range.end;) {
    const std::int64_t count = std::min(kBatch, range.end - i);
    for (std::int64_t k = 0; k < count; ++k, position.next()) {
      sums[k] = args.sum(x + position.offset(0), args.window, args.run);
    }
    args.requantize(sums, args.requantization, y + i, static_cast<std::size_t>(count));
    i += count;
  }
}

}  // namespace

Status prepare_mean(const Node& node, Planner& planner) {
  const Model& model = planner.model();
  INTAGLIO_TRY(check_signature(node, 3, 1, std::max<std::size_t>(node.attrs.size(), 1)));
  const Tensor& x = model.input(node, 0);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_activation(node, x, "input"));
  auto requantization = read_requantization(node, model, 1, 1, node.attrs[0], -128, 127);
  if (!requantization.ok()) return requantization.status();
  auto axes = read_axes(node, x, y, node.attrs.subspan(1));
  if (!axes.ok()) return axes.status();
  const std::int64_t count = axes.value().count;
  INTAGLIO_TRY(check_between(node, "elements in a sum", count, 0, std::int64_t{1} << 24));
  INTAGLIO_TRY(check_accumulators(node, requantization.value(), 0, -count * reach(x), count * reach(x)));
  if (y.elements == 0) return {};

  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  const Strides from(x.dims);
  NdLoop<1> reduced;
  std::int64_t to = y.elements;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    // Nothing is read of an input without elements.
    const std::int64_t stride = count == 0 ? 0 : from.at[i];
    if (!axes.value().reduced[i]) {
      to /= x.dims[i];
      args->outer.add(x.dims[i], {stride, to});
    } else if (count > 0) {
      reduced.add(x.dims[i], {stride});
    }
  }
  if (count == 0) reduced.add(0, {0});
  const auto takes_innermost = [](const auto& loop) { return loop.rank > 0 && loop.stride[loop.rank - 1][0] == 1; };
  const bool by_channel = takes_innermost(args->outer);
  if (by_channel) args->channels = static_cast<std::size_t>(args->outer.count[--args->outer.rank]);
  args->run = 1;
  if (takes_innermost(reduced)) args->run = static_cast<std::size_t>(reduced.count[--reduced.rank]);
  args->window = window_of(reduced);

  const RequantizationParameters& parameters = requantization.value();
  const bool fixed = parameters.mode == RequantizationMode::kFixed;
  args->requantization.bias = static_cast<std::int32_t>(static_cast<std::uint32_t>(-count * stored_zero(x)));
  args->requantization.zero_y = parameters.zero_point;
  if (fixed) {
    args->requantization.fixed = {parameters.multiplier[0], parameters.shift[0]};
  } else {
    args->requantization.scale = parameters.scale[0];
  }
  args->x = planner.tensor(node.inputs[0]);
  args->y = planner.tensor(node.outputs[0]);
  const VectorKernels& kernels = *planner.kernels().vector;
  const auto& mean = fixed ? kernels.mean_fixed : kernels.mean;
  args->mean = mean.run;
  args->sum = kernels.sum.run;
  args->requantize = (fixed ? kernels.requantize_fixed : kernels.requantize).run;
  const int parts = planner.parts_for(x.elements * kByteCost);
  return planner.emit({.run = by_channel ? run_channels : run_sums,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(parts, args->outer.total())),
                       .kernel = by_channel ? mean.name : kernels.sum.name,
                       .reason = by_channel ? "innermost axis kept" : "innermost axis reduced"});
}

}  // namespace intaglio
