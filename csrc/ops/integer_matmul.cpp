// integer_matmul: dot products of rows of a with packed columns of b.
#include <algorithm>

#include "kernels/float_vector.h"
#include "ops/checks.h"
#include "ops/integer_weights.h"
#include "ops/matrices.h"

namespace intaglio {

namespace {

struct Arguments : MatrixBatch {
  Slot a, y;
  IntegerWeights weights;
  ZeroPoints zero_points;
  DotsFunction dots;
};

// Parts are ranges of rows over all matrices.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& s = *static_cast<const Arguments*>(arguments);
  const Range range = split(s.count * s.rows, part, parts);
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    const std::int64_t matrix = row / s.rows, b = s.b_matrix[matrix];
    const auto* a = memory.at<const std::uint8_t>(s.a) + (s.a_matrix[matrix] * s.rows + row % s.rows) * s.depth;
    auto* y = memory.at<std::int32_t>(s.y) + row * s.columns;
    std::fill_n(y, s.columns, 0);
    s.dots(a, s.weights.values_in(memory) + b * s.columns * s.depth, s.depth, static_cast<std::size_t>(s.depth), y,
           static_cast<std::size_t>(s.columns));
    std::uint32_t sum = 0;
    for (std::int64_t k = 0; k < s.depth; ++k) sum += a[k];
    apply_zero_points(s.zero_points, memory, 0, s.depth, sum, s.weights.tap_sums_in(memory) + b * s.columns, y,
                      s.columns);
  }
}

}  // namespace

Status prepare_integer_matmul(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 1, 0));
  const Model& model = planner.model();
  const Tensor& a = model.input(node, 0);
  const Tensor& b = model.input(node, 2);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_matrices(node, a, b, y));
  INTAGLIO_TRY(check_integer_sum(node, model, a.dims.back(), y.dims.back(), 0));
  if (y.elements == 0) return {};

  auto* arguments = planner.make<Arguments>();
  if (arguments == nullptr) return out_of_memory(node);
  Arguments& s = *arguments;
  auto matrices = plan_matrices(node, planner, a, b, y);
  if (!matrices.ok()) return matrices.status();
  static_cast<MatrixBatch&>(s) = matrices.value();
  auto weights = pack_integer_weights(node, planner, {s.b_matrices, s.columns, 1, s.depth, 1, s.columns});
  if (!weights.ok()) return weights.status();
  s.a = planner.tensor(node.inputs[0]);
  s.y = planner.tensor(node.outputs[0]);
  s.weights = weights.value();
  s.zero_points = {planner.tensor(node.inputs[1]), planner.tensor(node.inputs[3]),
                   model.input(node, 3).elements == 1 ? 0 : 1};
  const auto& kernel = planner.kernels().float_vector->dots;
  s.dots = kernel.run;
  const std::int64_t macs = y.elements * s.depth;
  return planner.emit(
      {.run = run, .arguments = arguments, .parts = planner.parts_for(macs), .kernel = kernel.name, .macs = macs});
}

}  // namespace intaglio
