#include "ops/broadcast.h"

#include <algorithm>
#include <cinttypes>

#include "ops/checks.h"
#include "ops/strided_copy.h"

namespace intaglio {

Result<Dims> broadcast_dims(const Node& node, std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  Dims dims;
  const std::size_t rank = std::max(a.size(), b.size());
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t from_a = i + a.size() < rank ? 1 : a[i + a.size() - rank];
    const std::int64_t from_b = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (from_a != from_b && from_a != 1 && from_b != 1) {
      return node_error(Code::kShape, node, "expected shapes that broadcast, got %" PRId64 " and %" PRId64, from_a,
                        from_b);
    }
    dims.push(from_a == 1 ? from_b : from_a);
  }
  return dims;
}

Strides broadcast_strides(std::span<const std::int64_t> dims, std::span<const std::int64_t> target) {
  const Strides dense(dims);
  Strides strides(target);
  const std::size_t missing = target.size() - dims.size();
  for (std::size_t i = 0; i < target.size(); ++i) {
    strides.at[i] = i < missing || dims[i - missing] == 1 ? 0 : dense.at[i - missing];
  }
  return strides;
}

Status prepare_broadcast_to(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 0));
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  INTAGLIO_TRY(check_like(node, y, "output", x));
  auto dims = broadcast_dims(node, x.dims, y.dims);
  if (!dims.ok()) return dims.status();
  INTAGLIO_TRY(check_dims(node, y, "output", dims.value().span()));
  if (y.elements == 0) return {};

  StridedCopy copy;
  const Strides from = broadcast_strides(x.dims, y.dims);
  const Strides to(y.dims);
  for (std::size_t i = 0; i < y.dims.size(); ++i) copy.loop.add(y.dims[i], {from.at[i], to.at[i]});
  return emit_copy(node, planner, copy, node.inputs[0]);
}

}  // namespace intaglio
