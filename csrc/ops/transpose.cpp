#include "ops/checks.h"
#include "ops/strided_copy.h"
#include "runtime/planner.h"

namespace intaglio {

Status prepare_transpose(const Node& node, Planner& planner) {
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  const std::size_t rank = x.dims.size();
  INTAGLIO_TRY(check_signature(node, 1, 1, rank));
  INTAGLIO_TRY(check_like(node, y, "output", x));
  bool taken[kMaxRank] = {};
  Dims dims;
  for (const std::int64_t axis : node.attrs) {
    INTAGLIO_TRY(check_between(node, "permutation", axis, 0, static_cast<std::int64_t>(rank) - 1));
    if (taken[axis]) return node_error(Code::kModelFormat, node, "permutation: expected each axis once");
    taken[axis] = true;
    dims.push(x.dims[static_cast<std::size_t>(axis)]);
  }
  INTAGLIO_TRY(check_dims(node, y, "output", dims.span()));
  if (y.elements == 0) return {};

  StridedCopy copy;
  const Strides from(x.dims), to(y.dims);
  for (std::size_t i = 0; i < rank; ++i) copy.loop.add(y.dims[i], {from.at[node.attrs[i]], to.at[i]});
  return emit_copy(node, planner, copy, node.inputs[0]);
}

}  // namespace intaglio
