#include <cinttypes>

#include "ops/checks.h"
#include "ops/strided_copy.h"
#include "runtime/planner.h"

namespace intaglio {

Status prepare_reshape(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 0));
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  INTAGLIO_TRY(check_like(node, y, "output", x));
  if (x.elements != y.elements) {
    return node_error(Code::kShape, node, "expected %" PRId64 " elements, got %" PRId64, x.elements, y.elements);
  }
  if (y.elements == 0 || planner.alias(node.outputs[0], node.inputs[0])) return {};
  StridedCopy copy;
  copy.loop.add(y.elements, {1, 1});
  return emit_copy(node, planner, copy, node.inputs[0]);
}

}  // namespace intaglio
