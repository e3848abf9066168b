#include "ops/checks.h"
#include "ops/strided_copy.h"
#include "runtime/planner.h"

namespace intaglio {

Status prepare_concat(const Node& node, Planner& planner) {
  const Model& model = planner.model();
  const Tensor& y = model.output(node);
  const std::size_t inputs = node.inputs.size();
  INTAGLIO_TRY(check_signature(node, inputs == 0 ? 1 : inputs, 1, 1));
  INTAGLIO_TRY(check_between(node, "axis", node.attrs[0], 0, static_cast<std::int64_t>(y.dims.size()) - 1));
  const auto axis = static_cast<std::size_t>(node.attrs[0]);
  std::int64_t length = 0;
  for (std::size_t k = 0; k < inputs; ++k) {
    const Tensor& x = model.input(node, k);
    INTAGLIO_TRY(check_like(node, x, "input", y));
    INTAGLIO_TRY(check_rank(node, x, "input", y.dims.size()));
    Dims dims(y.dims);
    dims.at[axis] = x.dims[axis];
    INTAGLIO_TRY(check_dims(node, x, "input", dims.span()));
    if (__builtin_add_overflow(length, x.dims[axis], &length)) break;
  }
  INTAGLIO_TRY(check_between(node, "sizes along the axis, together", length, y.dims[axis], y.dims[axis]));

  const Strides to(y.dims);
  std::int64_t start = 0;
  for (std::size_t k = 0; k < inputs; ++k) {
    const Tensor& x = model.input(node, k);
    StridedCopy copy;
    copy.to = start * to.at[axis];
    start += x.dims[axis];
    if (x.elements == 0) continue;
    const Strides from(x.dims);
    for (std::size_t i = 0; i < x.dims.size(); ++i) copy.loop.add(x.dims[i], {from.at[i], to.at[i]});
    INTAGLIO_TRY(emit_copy(node, planner, copy, node.inputs[k]));
  }
  return {};
}

}  // namespace intaglio
