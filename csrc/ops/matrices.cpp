#include "ops/matrices.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "ops/checks.h"

namespace intaglio {

namespace {

// For each batch of y, the matrix of an operand whose leading axes broadcast to y's. Null when the dims do not fit.
Result<const std::int64_t*> matrix_of_batch(const Node& node, Planner& planner, const Tensor& operand, const Tensor& y,
                                            std::int64_t batches) {
  const auto leading = operand.dims.first(operand.dims.size() - 2);
  const auto target = y.dims.first(y.dims.size() - 2);
  if (leading.size() > target.size()) {
    return node_error(Code::kShape, node, "an input has more axes than the output");
  }
  const std::size_t missing = target.size() - leading.size();
  for (std::size_t i = 0; i < leading.size(); ++i) {
    if (leading[i] != 1 && leading[i] != target[missing + i]) {
      return node_error(Code::kShape, node, "leading dims do not broadcast to the output's");
    }
  }
  auto* matrix = planner.make<std::int64_t>(static_cast<std::size_t>(batches));
  if (matrix == nullptr) return out_of_memory(node);
  for (std::int64_t batch = 0; batch < batches; ++batch) {
    std::int64_t rest = batch, index = 0, step = 1;
    for (std::size_t i = target.size(); i-- > missing;) {
      const std::int64_t dim = leading[i - missing];
      if (dim != 1) index += rest % target[i] * step;
      step *= dim;
      rest /= target[i];
    }
    matrix[batch] = index;
  }
  return static_cast<const std::int64_t*>(matrix);
}

}  // namespace

Status check_matrices(const Node& node, const Tensor& a, const Tensor& b, const Tensor& y) {
  if (a.dims.size() < 2 || b.dims.size() < 2 || y.dims.size() != std::max(a.dims.size(), b.dims.size())) {
    return node_error(Code::kShape, node, "ranks %zu and %zu do not make %zu", a.dims.size(), b.dims.size(),
                      y.dims.size());
  }
  const auto [ra, rb, ry] = std::tuple{a.dims.last(2), b.dims.last(2), y.dims.last(2)};
  if (ra[1] != rb[0] || ry[0] != ra[0] || ry[1] != rb[1]) {
    return node_error(Code::kShape, node, "[%lld,%lld] times [%lld,%lld] does not make [%lld,%lld]",
                      static_cast<long long>(ra[0]), static_cast<long long>(ra[1]), static_cast<long long>(rb[0]),
                      static_cast<long long>(rb[1]), static_cast<long long>(ry[0]), static_cast<long long>(ry[1]));
  }
  const auto [la, lb] = std::pair{a.dims.first(a.dims.size() - 2), b.dims.first(b.dims.size() - 2)};
  for (std::size_t i = 0; i + 2 < y.dims.size(); ++i) {  // counted from the last leading axis
    const std::int64_t da = i < la.size() ? la[la.size() - 1 - i] : 1;
    const std::int64_t db = i < lb.size() ? lb[lb.size() - 1 - i] : 1;
    if (y.dims[y.dims.size() - 3 - i] != (da == 1 ? db : da)) {
      return node_error(Code::kShape, node, "the output's leading dims are not what the inputs' broadcast to");
    }
  }
  return {};
}

Result<MatrixBatch> plan_matrices(const Node& node, Planner& planner, const Tensor& a, const Tensor& b,
                                  const Tensor& y) {
  MatrixBatch m;
  m.rows = y.dims[y.dims.size() - 2];
  m.columns = y.dims.back();
  m.depth = a.dims.back();
  m.count = y.elements / (m.rows * m.columns);
  auto a_matrix = matrix_of_batch(node, planner, a, y, m.count);
  if (!a_matrix.ok()) return a_matrix.status();
  auto b_matrix = matrix_of_batch(node, planner, b, y, m.count);
  if (!b_matrix.ok()) return b_matrix.status();
  m.a_matrix = a_matrix.value();
  m.b_matrix = b_matrix.value();
  m.a_matrices = 1 + *std::max_element(m.a_matrix, m.a_matrix + m.count);
  m.b_matrices = 1 + *std::max_element(m.b_matrix, m.b_matrix + m.count);
  return m;
}

}  // namespace intaglio
