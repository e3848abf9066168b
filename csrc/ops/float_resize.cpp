#include <algorithm>
#include <cmath>

#include "kernels/float_vector.h"
#include "ops/checks.h"
#include "ops/float_checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

// Cost of one output position, and of each channel of it, in multiply-accumulates.
constexpr std::int64_t kPositionCost = 256, kChannelCost = 16;

struct Arguments {
  Slot x, y;
  Slot row, row_weight, column, column_weight;
  FloatBilinearFunction bilinear;
  std::int64_t batch, x_rows, x_columns, y_rows, y_columns, channels;
};

// Parts are ranges of output rows over the whole batch.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const auto* rows = memory.at<const std::int32_t>(a.row);
  const auto* columns = memory.at<const std::int32_t>(a.column);
  const auto* row_weights = memory.at<const float>(a.row_weight);
  const auto* column_weights = memory.at<const float>(a.column_weight);
  const std::int64_t line = a.x_columns * a.channels;
  const Range range = split(a.batch * a.y_rows, part, parts);
  float* y = memory.at<float>(a.y) + range.begin * a.y_columns * a.channels;
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    const float* image = memory.at<const float>(a.x) + row / a.y_rows * a.x_rows * line;
    const std::int64_t i = row % a.y_rows;
    const float *low = image + rows[2 * i] * line, *high = image + rows[2 * i + 1] * line;
    for (std::int64_t j = 0; j < a.y_columns; ++j, y += a.channels) {
      const std::int64_t left = columns[2 * j] * a.channels, right = columns[2 * j + 1] * a.channels;
      const FloatCorners corners = {{low + left, low + right, high + left, high + right},
                                    1 - column_weights[j],
                                    column_weights[j],
                                    1 - row_weights[i],
                                    row_weights[i]};
      a.bilinear(corners, y, static_cast<std::size_t>(a.channels));
    }
  }
}

// Positions lie inside the input, weights are finite.
Status check_axis(const Node& node, const Tensor& positions, const Tensor& weights, const char* role,
                  std::int64_t outputs, std::int64_t size) {
  INTAGLIO_TRY(check_constant(node, positions, role, DType::kInt32, {outputs, 2}));
  INTAGLIO_TRY(check_constant(node, weights, role, DType::kFloat32, {outputs}));
  for (const std::int32_t position : positions.values<std::int32_t>()) {
    INTAGLIO_TRY(check_between(node, role, position, 0, size - 1));
  }
  for (const float weight : weights.values<float>()) {
    if (!std::isfinite(weight)) return node_error(Code::kModelFormat, node, "%s weights: expected finite ones", role);
  }
  return {};
}

}  // namespace

Status prepare_float_resize_bilinear(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 5, 1, 0));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_dtype(node, x, "input", DType::kFloat32));
  INTAGLIO_TRY(check_dtype(node, y, "output", DType::kFloat32));
  INTAGLIO_TRY(check_rank(node, x, "input", 4));
  INTAGLIO_TRY(check_rank(node, y, "output", 4));
  const std::int64_t dims[] = {x.dims[0], y.dims[1], y.dims[2], x.dims[3]};
  INTAGLIO_TRY(check_dims(node, y, "output", dims));
  INTAGLIO_TRY(check_axis(node, model.input(node, 1), model.input(node, 2), "row", y.dims[1], x.dims[1]));
  INTAGLIO_TRY(check_axis(node, model.input(node, 3), model.input(node, 4), "column", y.dims[2], x.dims[2]));
  if (y.elements == 0) return {};
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  const auto& kernel = planner.kernels().float_vector->bilinear;
  *args = {.x = planner.tensor(node.inputs[0]),
           .y = planner.tensor(node.outputs[0]),
           .row = planner.tensor(node.inputs[1]),
           .row_weight = planner.tensor(node.inputs[2]),
           .column = planner.tensor(node.inputs[3]),
           .column_weight = planner.tensor(node.inputs[4]),
           .bilinear = kernel.run,
           .batch = x.dims[0],
           .x_rows = x.dims[1],
           .x_columns = x.dims[2],
           .y_rows = y.dims[1],
           .y_columns = y.dims[2],
           .channels = x.dims[3]};
  const std::int64_t cost = y.elements / args->channels * kPositionCost + y.elements * kChannelCost;
  const std::int64_t rows = args->batch * args->y_rows;
  return planner.emit({.run = run,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(cost), rows)),
                       .kernel = kernel.name});
}

}  // namespace intaglio
