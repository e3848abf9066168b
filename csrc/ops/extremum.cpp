#include "ops/binary.h"
#include "ops/checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

Status prepare(const Node& node, Planner& planner, const Named<BinaryFunction>& kernel) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 0));
  const Model& model = planner.model();
  INTAGLIO_TRY(check_binary(node, model));
  INTAGLIO_TRY(check_like(node, model.input(node, 0), "input a", model.output(node)));
  INTAGLIO_TRY(check_like(node, model.input(node, 1), "input b", model.output(node)));
  auto* parameters = planner.make<BinaryParameters>();
  if (parameters == nullptr) return out_of_memory(node);
  return emit_binary(node, planner, kernel, parameters);
}

}  // namespace

Status prepare_maximum(const Node& node, Planner& planner) {
  return prepare(node, planner, planner.kernels().vector->maximum);
}
Status prepare_minimum(const Node& node, Planner& planner) {
  return prepare(node, planner, planner.kernels().vector->minimum);
}

}  // namespace intaglio
