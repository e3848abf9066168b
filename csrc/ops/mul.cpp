#include "kernels/vector.h"
#include "ops/activation.h"
#include "ops/binary.h"
#include "ops/checks.h"
#include "ops/requantization.h"
#include "runtime/planner.h"

namespace intaglio {

Status prepare_mul(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 1, 3));
  const Model& model = planner.model();
  INTAGLIO_TRY(check_binary(node, model));
  auto read = read_requantization(node, model, 2, 1, node.attrs[0], node.attrs[1], node.attrs[2]);
  if (!read.ok()) return read.status();
  const RequantizationParameters& requantization = read.value();
  const Tensor& a = model.input(node, 0);
  const Tensor& b = model.input(node, 1);
  const std::int64_t largest = reach(a) * reach(b);
  INTAGLIO_TRY(check_accumulators(node, requantization, 0, -largest, largest));

  auto* parameters = planner.make<BinaryParameters>();
  if (parameters == nullptr) return out_of_memory(node);
  parameters->zero_a = stored_zero(a);
  parameters->zero_b = stored_zero(b);
  parameters->zero_y = requantization.zero_point;
  parameters->low = requantization.low;
  parameters->high = requantization.high;
  const VectorKernels& kernels = *planner.kernels().vector;
  if (requantization.mode == RequantizationMode::kFloat32) {
    parameters->scale = requantization.scale[0];
    return emit_binary(node, planner, kernels.mul, parameters);
  }
  parameters->fixed_y = {requantization.multiplier[0], requantization.shift[0]};
  return emit_binary(node, planner, kernels.mul_fixed, parameters);
}

}  // namespace intaglio
