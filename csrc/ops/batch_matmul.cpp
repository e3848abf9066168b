// batch_matmul: both operands are activations, so b is packed and summed while running.
#include <algorithm>
#include <tuple>
#include <utility>

#include "gemm/pack.h"
#include "ops/requantization.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::ptrdiff_t kWholeRun[] = {0};

struct Arguments {
  Slot a, b, y;
  Slot panels, bias, row_bias;
  std::int64_t batches = 1;                // of y
  const std::int64_t* a_matrix = nullptr;  // [batches]: which matrix of a
  const std::int64_t* b_matrix = nullptr;
  std::int64_t a_matrices = 1, b_matrices = 1;
  std::int64_t rows = 0, depth = 0, columns = 0;
  const std::int32_t* offsets = nullptr;  // of the groups of a row of a
  std::int32_t a_zero_point = 0;          // as stored, [0, 255]
  std::int32_t b_zero_point = 0;          // in int8
  Requantization requantization;
  void (*run)(const GemmBlock& block) = nullptr;

  std::size_t matrix_bytes() const {
    return packed_bytes(static_cast<std::size_t>(columns), 1, static_cast<std::size_t>(depth));
  }
  std::size_t padded_columns() const { return align_up(static_cast<std::size_t>(columns), kPanelColumns); }
};

// acc = sum a q - zb sum a - za sum (q - zb), with a as stored and q = b in int8; modulo 2^32 throughout.
void pack_b(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& s = *static_cast<const Arguments*>(arguments);
  const Range range = split(s.b_matrices, part, parts);
  for (std::int64_t matrix = range.begin; matrix < range.end; ++matrix) {
    const auto m = static_cast<std::size_t>(matrix);
    const auto* b = memory.at<const std::int8_t>(s.b) + matrix * s.depth * s.columns;
    const WeightLayout layout = {b, s.columns, 1, kWholeRun, s.depth, s.columns};
    pack_panels(layout, memory.at<std::int8_t>(s.panels) + m * s.matrix_bytes(), 0x80);
    std::int32_t* bias = memory.at<std::int32_t>(s.bias) + m * s.padded_columns();
    std::fill_n(bias, s.padded_columns(), 0);
    for (std::int64_t k = 0; k < s.depth; ++k) {
      const auto* row = reinterpret_cast<const std::uint8_t*>(b) + k * s.columns;
      for (std::int64_t n = 0; n < s.columns; ++n) bias[n] += row[n] - kStorageOffset - s.b_zero_point;
    }
    for (std::int64_t n = 0; n < s.columns; ++n) {
      bias[n] =
          static_cast<std::int32_t>(-static_cast<std::uint32_t>(s.a_zero_point) * static_cast<std::uint32_t>(bias[n]));
    }
  }
}

void sum_a(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& s = *static_cast<const Arguments*>(arguments);
  const Range range = split(s.a_matrices * s.rows, part, parts);
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    const auto* a = memory.at<const std::uint8_t>(s.a) + row * s.depth;
    std::uint32_t sum = 0;
    for (std::int64_t k = 0; k < s.depth; ++k) sum += a[k];
    memory.at<std::int32_t>(s.row_bias)[row] =
        static_cast<std::int32_t>(-static_cast<std::uint32_t>(s.b_zero_point) * sum);
  }
}

void multiply(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& s = *static_cast<const Arguments*>(arguments);
  const Range range = split(s.batches * s.rows, part, parts);
  GemmBlock block;
  block.input_row_stride = s.depth;
  block.offsets = s.offsets;
  block.one_run = true;
  block.groups = group_count(1, static_cast<std::size_t>(s.depth));
  block.requantization = s.requantization;
  block.output_row_stride = s.columns;
  block.columns = static_cast<std::size_t>(s.columns);
  for (std::int64_t begin = range.begin; begin < range.end;) {
    const std::int64_t batch = begin / s.rows;
    const std::int64_t end = std::min(range.end, (batch + 1) * s.rows);
    const std::int64_t a_row = s.a_matrix[batch] * s.rows + begin % s.rows;
    const auto b_matrix = static_cast<std::size_t>(s.b_matrix[batch]);
    block.rows = static_cast<std::size_t>(end - begin);
    block.input = memory.at<const std::uint8_t>(s.a) + a_row * s.depth;
    block.weights = memory.at<const std::int8_t>(s.panels) + b_matrix * s.matrix_bytes();
    block.bias = memory.at<const std::int32_t>(s.bias) + b_matrix * s.padded_columns();
    block.row_bias = memory.at<const std::int32_t>(s.row_bias) + a_row;
    block.output = memory.at<std::uint8_t>(s.y) + begin * s.columns;
    s.run(block);
    begin = end;
  }
}

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

// The greatest |q - zero point|.
std::int64_t reach(const Tensor& tensor) { return std::max(127 - tensor.zero_point, 128 + tensor.zero_point); }

Status check_operands(const Node& node, const Tensor& a, const Tensor& b, const Tensor& y) {
  INTAGLIO_TRY(check_activation(node, a, "input a"));
  INTAGLIO_TRY(check_activation(node, b, "input b"));
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

Status emit(Planner& planner, const Arguments* arguments, StepFunction run, std::int64_t work, const char* kernel,
            const char* reason) {
  Step step;
  step.run = run;
  step.arguments = arguments;
  step.parts = planner.parts_for(work);
  step.kernel = kernel;
  step.reason = reason;
  step.macs = run == &multiply ? work : 0;
  return planner.emit(step);
}

}  // namespace

Status prepare_batch_matmul(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 1, 3));
  const Model& model = planner.model();
  const Tensor& a = model.input(node, 0);
  const Tensor& b = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_operands(node, a, b, y));
  auto parameters = read_requantization(node, model, 2, 1, node.attrs[0], node.attrs[1], node.attrs[2]);
  if (!parameters.ok()) return parameters.status();
  const std::int64_t rows = y.dims[y.dims.size() - 2], columns = y.dims.back(), depth = a.dims.back();
  const std::int64_t largest = depth * reach(a) * reach(b);
  INTAGLIO_TRY(check_accumulators(node, parameters.value(), 0, -largest, largest));
  if (y.elements == 0) return {};

  auto* arguments = planner.make<Arguments>();
  if (arguments == nullptr) return out_of_memory(node);
  Arguments& s = *arguments;
  s.batches = y.elements / (rows * columns);
  auto a_matrix = matrix_of_batch(node, planner, a, y, s.batches);
  if (!a_matrix.ok()) return a_matrix.status();
  auto b_matrix = matrix_of_batch(node, planner, b, y, s.batches);
  if (!b_matrix.ok()) return b_matrix.status();
  auto requantization = make_requantization(node, planner, parameters.value(), 1, columns);
  if (!requantization.ok()) return requantization.status();
  s.a = planner.tensor(node.inputs[0]);
  s.b = planner.tensor(node.inputs[1]);
  s.y = planner.tensor(node.outputs[0]);
  s.a_matrix = a_matrix.value();
  s.b_matrix = b_matrix.value();
  s.a_matrices = 1 + *std::max_element(s.a_matrix, s.a_matrix + s.batches);
  s.b_matrices = 1 + *std::max_element(s.b_matrix, s.b_matrix + s.batches);
  s.rows = rows;
  s.depth = depth;
  s.columns = columns;
  auto* offsets = planner.make<std::int32_t>(static_cast<std::size_t>(depth / kGroupBytes + 1));
  if (offsets == nullptr) return out_of_memory(node);
  for (std::int64_t k = 0; k < depth; k += kGroupBytes) offsets[k / kGroupBytes] = static_cast<std::int32_t>(k);
  s.offsets = offsets;
  s.a_zero_point = a.zero_point + kStorageOffset;
  s.b_zero_point = b.zero_point;
  s.requantization = requantization.value();
  s.run = planner.kernels().gemm->run;
  const auto b_count = static_cast<std::size_t>(s.b_matrices);
  s.panels = planner.scratch(b_count * s.matrix_bytes());
  s.bias = planner.scratch(b_count * s.padded_columns() * sizeof(std::int32_t));
  s.row_bias = planner.scratch(static_cast<std::size_t>(s.a_matrices * rows) * sizeof(std::int32_t));

  INTAGLIO_TRY(emit(planner, arguments, &pack_b, s.b_matrices * depth * columns, "pack_panels",
                    "b is not known before running"));
  INTAGLIO_TRY(emit(planner, arguments, &sum_a, s.a_matrices * rows * depth, "row_sums", "b has a zero point"));
  return emit(planner, arguments, &multiply, y.elements * depth, planner.kernels().gemm->name, "");
}

}  // namespace intaglio
