// float_matmul: as batch_matmul, over float32. A constant b is packed once, a computed one in every run.
#include <algorithm>

#include "base/checked.h"
#include "gemm/float_layer.h"
#include "ops/checks.h"
#include "ops/float_checks.h"
#include "ops/matrices.h"

namespace intaglio {

namespace {

constexpr std::ptrdiff_t kWholeRun[] = {0};

struct Arguments : MatrixBatch {
  Slot a, b, bias, y;
  Slot panels;
  const float* constant_panels = nullptr;  // where b is constant
  FloatProduct product;

  FloatWeightLayout layout() const { return {columns, 1, kWholeRun, depth, columns}; }
};

void pack_matrices(const Arguments& s, const float* b, float* panels, Range range) {
  const FloatWeightLayout layout = s.layout();
  for (std::int64_t matrix = range.begin; matrix < range.end; ++matrix) {
    pack_float_panels(layout, b + matrix * s.depth * s.columns,
                      panels + matrix * static_cast<std::int64_t>(layout.packed_size()));
  }
}

void pack_b(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& s = *static_cast<const Arguments*>(arguments);
  pack_matrices(s, memory.at<const float>(s.b), memory.at<float>(s.panels), split(s.b_matrices, part, parts));
}

// Parts are ranges of rows over all matrices. Biases need no padding: kernels read less than kSlack past their end.
void multiply(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& s = *static_cast<const Arguments*>(arguments);
  const float* const panels = s.constant_panels != nullptr ? s.constant_panels : memory.at<const float>(s.panels);
  const auto matrix_size = static_cast<std::int64_t>(s.layout().packed_size());
  const Range range = split(s.count * s.rows, part, parts);
  for (std::int64_t begin = range.begin; begin < range.end;) {
    const std::int64_t matrix = begin / s.rows;
    const std::int64_t end = std::min(range.end, (matrix + 1) * s.rows);
    s.product.multiply(memory.at<const float>(s.a) + (s.a_matrix[matrix] * s.rows + begin % s.rows) * s.depth,
                       panels + s.b_matrix[matrix] * matrix_size, memory.at<const float>(s.bias),
                       memory.at<float>(s.y) + begin * s.columns, 1, end - begin, s.columns);
    begin = end;
  }
}

}  // namespace

Status prepare_float_matmul(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 1, 0));
  const Model& model = planner.model();
  const Tensor& a = model.input(node, 0);
  const Tensor& b = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_all_float(node, model));
  INTAGLIO_TRY(check_matrices(node, a, b, y));
  INTAGLIO_TRY(check_dims(node, model.input(node, 2), "bias", {y.dims.back()}));
  auto bounds = read_bounds(node, model.input(node, 3));
  if (!bounds.ok()) return bounds.status();
  if (y.elements == 0) return {};

  auto* arguments = planner.make<Arguments>();
  if (arguments == nullptr) return out_of_memory(node);
  Arguments& s = *arguments;
  auto matrices = plan_matrices(node, planner, a, b, y);
  if (!matrices.ok()) return matrices.status();
  static_cast<MatrixBatch&>(s) = matrices.value();
  if (s.b_matrices == 1 && s.a_matrices == s.count) {
    s.rows *= s.count;
    s.count = 1;
  }
  s.a = planner.tensor(node.inputs[0]);
  s.bias = planner.tensor(node.inputs[2]);
  s.y = planner.tensor(node.outputs[0]);
  const FloatGemmKernels& kernels = *planner.kernels().float_gemm;
  s.product.run = kernels.run;
  s.product.taps = kWholeRun;
  s.product.depth = s.depth;
  s.product.input_row_stride = s.depth;
  s.product.output_row_stride = s.columns;
  s.product.low = bounds.value().low;
  s.product.high = bounds.value().high;
  const FloatWeightLayout layout = s.layout();
  const std::size_t size = static_cast<std::size_t>(s.b_matrices) * layout.packed_size();
  if (b.constant()) {
    auto* panels = planner.make<float>(std::max<std::size_t>(size, 1));
    if (panels == nullptr) return out_of_memory(node);
    pack_matrices(s, b.values<float>().data(), panels, {0, s.b_matrices});
    s.constant_panels = panels;
  } else {
    s.b = planner.tensor(node.inputs[1]);
    s.panels = planner.scratch(size * sizeof(float));
    const int parts = planner.parts_for(b.elements);
    INTAGLIO_TRY(planner.emit({.run = pack_b,
                               .arguments = arguments,
                               .parts = static_cast<int>(std::min<std::int64_t>(parts, s.b_matrices)),
                               .kernel = "pack_float_panels",
                               .reason = "b is not known before running"}));
  }
  const std::int64_t macs = saturating_product(y.elements, s.depth);
  return planner.emit({.run = multiply,
                       .arguments = arguments,
                       .parts = planner.parts_for(macs),
                       .kernel = kernels.name,
                       .reason = s.count == 1 ? "one product of all rows" : "",
                       .macs = macs});
}

}  // namespace intaglio
