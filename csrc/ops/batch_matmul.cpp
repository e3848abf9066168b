// batch_matmul: both operands are activations, so b is packed and summed while running.
#include <algorithm>

#include "gemm/blocking.h"
#include "gemm/pack.h"
#include "ops/checks.h"
#include "ops/matrices.h"
#include "ops/requantization.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::ptrdiff_t kWholeRun[] = {0};

struct Arguments : MatrixBatch {
  Slot a, b, y;
  Slot panels, bias, row_bias;
  PartSlots scratch;
  const std::int32_t* offsets = nullptr;  // of the groups of a row of a
  std::int32_t a_zero_point = 0;          // as stored, [0, 255]
  std::int32_t b_zero_point = 0;          // in int8
  Requantization requantization;
  const GemmKernels* kernels = nullptr;
  std::int64_t rows_at_once = 1;
  std::int64_t scratch_bytes = 0;  // of one part

  std::size_t matrix_bytes() const {
    return kernels->weight_bytes(static_cast<std::size_t>(columns), 1, static_cast<std::size_t>(depth));
  }
  std::size_t padded_columns() const { return kernels->padded_columns(static_cast<std::size_t>(columns)); }
};

// acc = sum (a - offset) q + offset sum q - zb sum a - za sum (q - zb), with a as stored, q = b in int8 and the offset
// that the kernel takes off; modulo 2^32 throughout.
void pack_b(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& s = *static_cast<const Arguments*>(arguments);
  const Range range = split(s.b_matrices, part, parts);
  for (std::int64_t matrix = range.begin; matrix < range.end; ++matrix) {
    const auto m = static_cast<std::size_t>(matrix);
    const auto* b = memory.at<const std::int8_t>(s.b) + matrix * s.depth * s.columns;
    const WeightLayout layout = {b, s.columns, 1, kWholeRun, s.depth, s.columns};
    pack(*s.kernels, layout, memory.at<std::int8_t>(s.panels) + m * s.matrix_bytes(), 0x80);
    std::int32_t* bias = memory.at<std::int32_t>(s.bias) + m * s.padded_columns();
    std::fill_n(bias, s.padded_columns(), 0);
    for (std::int64_t k = 0; k < s.depth; ++k) {
      const auto* row = reinterpret_cast<const std::uint8_t*>(b) + k * s.columns;
      for (std::int64_t n = 0; n < s.columns; ++n) bias[n] += row[n] - kStorageOffset - s.b_zero_point;
    }
    const auto zeros = static_cast<std::uint32_t>(s.b_zero_point) * static_cast<std::uint32_t>(s.depth);
    for (std::int64_t n = 0; n < s.columns; ++n) {
      const auto total = static_cast<std::uint32_t>(bias[n]);
      bias[n] = static_cast<std::int32_t>(static_cast<std::uint32_t>(s.kernels->input_offset) * (total + zeros) -
                                          static_cast<std::uint32_t>(s.a_zero_point) * total);
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
  const Range range = split(s.count * s.rows, part, parts);
  GemmBlock block;
  block.input_row_stride = s.depth;
  block.offsets = s.offsets;
  block.one_run = true;
  block.groups = s.kernels->group_count(1, static_cast<std::size_t>(s.depth));
  block.depth = static_cast<std::size_t>(s.depth);
  block.requantization = s.requantization;
  block.output_row_stride = s.columns;
  block.columns = static_cast<std::size_t>(s.columns);
  if (s.scratch_bytes != 0) block.scratch = memory.at<std::byte>(s.scratch.of(part));
  for (std::int64_t begin = range.begin; begin < range.end;) {
    const std::int64_t batch = begin / s.rows;
    const std::int64_t end = std::min({range.end, (batch + 1) * s.rows, begin + s.rows_at_once});
    const std::int64_t a_row = s.a_matrix[batch] * s.rows + begin % s.rows;
    const auto b_matrix = static_cast<std::size_t>(s.b_matrix[batch]);
    block.rows = static_cast<std::size_t>(end - begin);
    block.input = memory.at<const std::uint8_t>(s.a) + a_row * s.depth;
    block.weights = memory.at<const std::int8_t>(s.panels) + b_matrix * s.matrix_bytes();
    block.bias = memory.at<const std::int32_t>(s.bias) + b_matrix * s.padded_columns();
    block.row_bias = memory.at<const std::int32_t>(s.row_bias) + a_row;
    block.output = memory.at<std::uint8_t>(s.y) + begin * s.columns;
    s.kernels->run(block);
    begin = end;
  }
}

// The greatest |q - zero point|.
std::int64_t reach(const Tensor& tensor) { return std::max(127 - tensor.zero_point, 128 + tensor.zero_point); }

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
  INTAGLIO_TRY(check_activation(node, a, "input a"));
  INTAGLIO_TRY(check_activation(node, b, "input b"));
  INTAGLIO_TRY(check_matrices(node, a, b, y));
  auto parameters = read_requantization(node, model, 2, 1, node.attrs[0], node.attrs[1], node.attrs[2]);
  if (!parameters.ok()) return parameters.status();
  const std::int64_t depth = a.dims.back();
  const std::int64_t largest = depth * reach(a) * reach(b);
  INTAGLIO_TRY(check_accumulators(node, parameters.value(), 0, -largest, largest));
  if (y.elements == 0) return {};

  auto* arguments = planner.make<Arguments>();
  if (arguments == nullptr) return out_of_memory(node);
  Arguments& s = *arguments;
  auto matrices = plan_matrices(node, planner, a, b, y);
  if (!matrices.ok()) return matrices.status();
  static_cast<MatrixBatch&>(s) = matrices.value();
  auto requantization = make_requantization(node, planner, parameters.value(), 1, s.columns);
  if (!requantization.ok()) return requantization.status();
  s.a = planner.tensor(node.inputs[0]);
  s.b = planner.tensor(node.inputs[1]);
  s.y = planner.tensor(node.outputs[0]);
  auto* offsets = planner.make<std::int32_t>(static_cast<std::size_t>(depth / kGroupBytes + 1));
  if (offsets == nullptr) return out_of_memory(node);
  for (std::int64_t k = 0; k < depth; k += kGroupBytes) offsets[k / kGroupBytes] = static_cast<std::int32_t>(k);
  s.offsets = offsets;
  s.a_zero_point = a.zero_point + kStorageOffset;
  s.b_zero_point = b.zero_point;
  s.requantization = requantization.value();
  s.kernels = planner.kernels().gemm;
  const auto b_count = static_cast<std::size_t>(s.b_matrices);
  s.panels = planner.scratch(b_count * s.matrix_bytes());
  s.bias = planner.scratch(b_count * s.padded_columns() * sizeof(std::int32_t));
  s.row_bias = planner.scratch(static_cast<std::size_t>(s.a_matrices * s.rows) * sizeof(std::int32_t));
  const std::size_t groups = s.kernels->group_count(1, static_cast<std::size_t>(depth));
  s.rows_at_once = std::min(s.rows, block_rows(block_row_bytes(*s.kernels, groups, s.depth)));
  s.scratch_bytes =
      static_cast<std::int64_t>(s.kernels->scratch_bytes(static_cast<std::size_t>(s.rows_at_once), groups));
  const std::int64_t work = y.elements * depth;
  if (s.scratch_bytes != 0) {
    s.scratch = planner.part_scratch(static_cast<std::uint64_t>(s.scratch_bytes), planner.parts_for(work));
  }

  INTAGLIO_TRY(emit(planner, arguments, &pack_b, s.b_matrices * depth * s.columns, "pack_panels",
                    "b is not known before running"));
  INTAGLIO_TRY(emit(planner, arguments, &sum_a, s.a_matrices * s.rows * depth, "row_sums", "b has a zero point"));
  return emit(planner, arguments, &multiply, work, planner.kernels().gemm->name, "");
}

}  // namespace intaglio
