#include <cmath>

#include "kernels/vector.h"
#include "ops/activation.h"
#include "ops/checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kElementCost = 32;

enum class Rounding : std::int64_t { kHalfEven = 0, kHalfAway = 1 };

struct Arguments {
  Slot x, y;
  std::int64_t count;
  float scale;
  std::int32_t zero;
  QuantizeFunction quantize;
  DequantizeFunction dequantize;
};

void run_quantize(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const Range range = split(args.count, part, parts);
  args.quantize(memory.at<float>(args.x) + range.begin, args.scale, args.zero,
                memory.at<std::uint8_t>(args.y) + range.begin, static_cast<std::size_t>(range.end - range.begin));
}

void run_dequantize(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const Range range = split(args.count, part, parts);
  args.dequantize(memory.at<std::uint8_t>(args.x) + range.begin, args.scale, args.zero,
                  memory.at<float>(args.y) + range.begin, static_cast<std::size_t>(range.end - range.begin));
}

Status check_pair(const Node& node, const Tensor& quantized, const Tensor& real) {
  INTAGLIO_TRY(check_activation(node, quantized, "quantized side"));
  if (real.dtype != DType::kFloat32) return node_error(Code::kDType, node, "dtype of the real side: expected float32");
  if (!std::isfinite(quantized.scale) || quantized.scale <= 0) {
    return node_error(Code::kQuantization, node, "scale: expected finite and above 0, got %g",
                      static_cast<double>(quantized.scale));
  }
  return check_dims(node, real, "real side", quantized.dims);
}

Status emit(const Node& node, Planner& planner, const Tensor& quantized, const Arguments& conversion, StepFunction run,
            const char* kernel) {
  if (quantized.elements == 0) return {};
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  *args = conversion;
  args->x = planner.tensor(node.inputs[0]);
  args->y = planner.tensor(node.outputs[0]);
  args->count = quantized.elements;
  args->scale = quantized.scale;
  args->zero = stored_zero(quantized);
  return planner.emit(
      {.run = run, .arguments = args, .parts = planner.parts_for(args->count * kElementCost), .kernel = kernel});
}

}  // namespace

Status prepare_quantize(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 1));
  const Tensor& y = planner.model().output(node);
  INTAGLIO_TRY(check_pair(node, y, planner.model().input(node, 0)));
  INTAGLIO_TRY(check_between(node, "rounding", node.attrs[0], 0, 1));
  const VectorKernels& kernels = *planner.kernels().vector;
  const bool half_away = static_cast<Rounding>(node.attrs[0]) == Rounding::kHalfAway;
  const auto& kernel = half_away ? kernels.quantize_half_away : kernels.quantize_half_even;
  Arguments args = {};
  args.quantize = kernel.run;
  return emit(node, planner, y, args, run_quantize, kernel.name);
}

Status prepare_dequantize(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 0));
  const Tensor& x = planner.model().input(node, 0);
  INTAGLIO_TRY(check_pair(node, x, planner.model().output(node)));
  const auto& kernel = planner.kernels().vector->dequantize;
  Arguments args = {};
  args.dequantize = kernel.run;
  return emit(node, planner, x, args, run_dequantize, kernel.name);
}

}  // namespace intaglio
