#include "ops/checks.h"
#include "ops/strided_copy.h"
#include "runtime/planner.h"

namespace intaglio {

Status prepare_slice(const Node& node, Planner& planner) {
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  const std::size_t rank = x.dims.size();
  INTAGLIO_TRY(check_signature(node, 1, 1, 2 * rank));
  INTAGLIO_TRY(check_like(node, y, "output", x));
  INTAGLIO_TRY(check_rank(node, y, "output", rank));
  for (std::size_t i = 0; i < rank; ++i) {
    constexpr std::int64_t kLargest = (std::int64_t{1} << 31) - 1;
    const std::int64_t begin = node.attrs[i], stride = node.attrs[rank + i], size = y.dims[i];
    INTAGLIO_TRY(check_between(node, "stride", stride, -kLargest, kLargest));
    if (stride == 0) return node_error(Code::kModelFormat, node, "stride of axis %zu: expected not 0", i);
    if (size == 0) continue;
    INTAGLIO_TRY(check_between(node, "first position of an axis", begin, 0, x.dims[i] - 1));
    INTAGLIO_TRY(check_between(node, "last position of an axis", begin + (size - 1) * stride, 0, x.dims[i] - 1));
  }
  if (y.elements == 0) return {};

  StridedCopy copy;
  const Strides from(x.dims), to(y.dims);
  for (std::size_t i = 0; i < rank; ++i) {
    copy.from += node.attrs[i] * from.at[i];
    if (y.dims[i] > 1) copy.loop.add(y.dims[i], {node.attrs[rank + i] * from.at[i], to.at[i]});
  }
  return emit_copy(node, planner, copy, node.inputs[0]);
}

}  // namespace intaglio
