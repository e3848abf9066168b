#include <algorithm>

#include "kernels/float_vector.h"
#include "ops/checks.h"
#include "ops/float_checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kElementCost = 128;

struct Arguments {
  Slot x, y;
  FloatSoftmaxFunction run;
  std::int64_t rows, length;
};

void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const Range range = split(a.rows, part, parts);
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    a.run(memory.at<const float>(a.x) + row * a.length, memory.at<float>(a.y) + row * a.length,
          static_cast<std::size_t>(a.length));
  }
}

}  // namespace

Status prepare_float_softmax(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 1));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_all_float(node, model));
  INTAGLIO_TRY(check_between(node, "log", node.attrs[0], 0, 1));
  INTAGLIO_TRY(check_dims(node, y, "output", x.dims));
  if (x.dims.empty() || x.dims.back() < 1) {
    return node_error(Code::kShape, node, "last axis: expected one value or more, got none");
  }
  if (y.elements == 0) return {};
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  const FloatVectorKernels& kernels = *planner.kernels().float_vector;
  const auto& kernel = node.attrs[0] == 1 ? kernels.log_softmax : kernels.softmax;
  *args = {planner.tensor(node.inputs[0]), planner.tensor(node.outputs[0]), kernel.run, y.elements / x.dims.back(),
           x.dims.back()};
  const int parts = planner.parts_for(y.elements * kElementCost);
  return planner.emit({.run = run,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(parts, args->rows)),
                       .kernel = kernel.name});
}

}  // namespace intaglio
