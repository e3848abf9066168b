// dynamic_quantize: the range of the values, then the same kernel as quantize.
#include <cinttypes>

#include "kernels/vector.h"
#include "ops/checks.h"
#include "ops/float_checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kElementCost = 32;
constexpr std::size_t kWays = 16;

struct Arguments {
  Slot x, y, scale, zero_point;
  std::int64_t count;
  QuantizeFunction quantize;
};

struct FloatRange {
  float low, high;
};

// Of 0 and the numbers among the values; NaN compares false.
FloatRange range_of(const float* x, std::int64_t count) {
  float low[kWays] = {}, high[kWays] = {};
  const auto widen = [&](std::size_t way, float value) {
    low[way] = value < low[way] ? value : low[way];
    high[way] = value > high[way] ? value : high[way];
  };
  std::int64_t i = 0;
  for (; i + static_cast<std::int64_t>(kWays) <= count; i += static_cast<std::int64_t>(kWays)) {
    for (std::size_t way = 0; way < kWays; ++way) widen(way, x[i + static_cast<std::int64_t>(way)]);
  }
  for (; i < count; ++i) widen(0, x[i]);
  for (std::size_t way = 1; way < kWays; ++way) {
    low[0] = low[way] < low[0] ? low[way] : low[0];
    high[0] = high[way] > high[0] ? high[way] : high[0];
  }
  return {low[0], high[0]};
}

void run_range(const void* arguments, const Memory& memory, int, int) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const FloatRange range = range_of(memory.at<const float>(a.x), a.count);
  const float scale = range.low == range.high ? 1.0F : (range.high - range.low) / 255.0F;
  float zero = -range.low / scale;
  zero = zero > 0 ? zero : 0;  // NaN too
  zero = zero < 255 ? zero : 255;
  constexpr float kRounder = 0x1.8p23F;  // leaves the nearest integer
  *memory.at<float>(a.scale) = scale;
  *memory.at<std::int32_t>(a.zero_point) = static_cast<std::int32_t>((zero + kRounder) - kRounder) - kStorageOffset;
}

void run_quantize(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const Range range = split(a.count, part, parts);
  a.quantize(memory.at<const float>(a.x) + range.begin, *memory.at<const float>(a.scale),
             *memory.at<const std::int32_t>(a.zero_point) + kStorageOffset, memory.at<std::uint8_t>(a.y) + range.begin,
             static_cast<std::size_t>(range.end - range.begin));
}

}  // namespace

Status prepare_dynamic_quantize(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 3, 0));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor &y = model.output(node, 0), &scale = model.output(node, 1), &zero_point = model.output(node, 2);
  INTAGLIO_TRY(check_dtype(node, x, "input", DType::kFloat32));
  INTAGLIO_TRY(check_activation(node, y, "output"));
  INTAGLIO_TRY(check_dims(node, y, "output", x.dims));
  if (y.scale != 1 || y.zero_point != 0) {
    return node_error(Code::kQuantization, node, "quantization of the output: expected (1, 0), got (%g, %" PRId32 ")",
                      static_cast<double>(y.scale), y.zero_point);
  }
  INTAGLIO_TRY(check_dtype(node, scale, "scale", DType::kFloat32));
  INTAGLIO_TRY(check_rank(node, scale, "scale", 0));
  INTAGLIO_TRY(check_dtype(node, zero_point, "zero point", DType::kInt32));
  INTAGLIO_TRY(check_rank(node, zero_point, "zero point", 0));
  auto* a = planner.make<Arguments>();
  if (a == nullptr) return out_of_memory(node);
  const auto& kernel = planner.kernels().vector->quantize_half_even;
  *a = {planner.tensor(node.inputs[0]),
        planner.tensor(node.outputs[0]),
        planner.tensor(node.outputs[1]),
        planner.tensor(node.outputs[2]),
        y.elements,
        kernel.run};
  INTAGLIO_TRY(planner.emit({.run = run_range, .arguments = a, .kernel = "range_f32"}));
  return planner.emit({.run = run_quantize,
                       .arguments = a,
                       .parts = planner.parts_for(y.elements * kElementCost),
                       .kernel = kernel.name});
}

}  // namespace intaglio
