#include "kernels/float_vector.h"
#include "ops/broadcast_runs.h"
#include "ops/checks.h"
#include "ops/float_checks.h"

namespace intaglio {

namespace {

// Costs of one element in multiply-accumulates.
constexpr std::int64_t kBinaryCost = 16, kUnaryCost = 64;

struct BinaryArguments {
  Slot a, b, y;
  FloatBinaryFunction run;
  BroadcastRuns runs;
};

void run_binary(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const BinaryArguments*>(arguments);
  const auto* a = memory.at<float>(args.a);
  const auto* b = memory.at<float>(args.b);
  auto* y = memory.at<float>(args.y);
  args.runs.for_each(part, parts, [&](std::int64_t from_a, std::int64_t from_b, std::int64_t to, std::size_t count) {
    args.run(a + from_a, b + from_b, y + to, count);
  });
}

// The output's shape is what the inputs broadcast to.
Status emit_binary(const Node& node, Planner& planner, const FloatBinaryKernel& kernel) {
  const Model& model = planner.model();
  const Tensor& y = model.output(node);
  auto dims = broadcast_dims(node, model.input(node, 0).dims, model.input(node, 1).dims);
  if (!dims.ok()) return dims.status();
  INTAGLIO_TRY(check_dims(node, y, "output", dims.value().span()));
  if (y.elements == 0) return {};
  auto* args = planner.make<BinaryArguments>();
  if (args == nullptr) return out_of_memory(node);
  args->runs = BroadcastRuns::of(model.input(node, 0), model.input(node, 1), y);
  args->run = args->runs.loop_of(kernel);
  args->a = planner.tensor(node.inputs[0]);
  args->b = planner.tensor(node.inputs[1]);
  args->y = planner.tensor(node.outputs[0]);
  return planner.emit({.run = run_binary,
                       .arguments = args,
                       .parts = planner.parts_for(y.elements * kBinaryCost),
                       .kernel = kernel.name,
                       .reason = args->runs.outer.rank == 0 ? "one run" : "one run per innermost axis"});
}

struct UnaryArguments {
  Slot x, parameters, y;
  FloatUnaryFunction run;
  std::int64_t count;
};

void run_unary(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const UnaryArguments*>(arguments);
  const Range range = split(args.count, part, parts);
  args.run(memory.at<float>(args.x) + range.begin, memory.at<float>(args.parameters),
           memory.at<float>(args.y) + range.begin, static_cast<std::size_t>(range.end - range.begin));
}

// How many numbers a function takes, by the kinds of docs/format.md.
std::int64_t parameter_count(std::int64_t kind) {
  constexpr std::int64_t kCounts[] = {0, 2, 1, 1, 2};  // identity, clip, leaky_relu, elu, hard_sigmoid, the rest
  return kind < static_cast<std::int64_t>(std::size(kCounts)) ? kCounts[kind] : 0;
}

}  // namespace

Status prepare_float_binary(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 1));
  INTAGLIO_TRY(check_all_float(node, planner.model()));
  INTAGLIO_TRY(check_between(node, "kind", node.attrs[0], 0, kFloatBinaryKinds - 1));
  return emit_binary(node, planner, planner.kernels().float_vector->binary[node.attrs[0]]);
}

Status prepare_float_prelu(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 0));
  const Model& model = planner.model();
  INTAGLIO_TRY(check_all_float(node, model));
  INTAGLIO_TRY(check_dims(node, model.output(node), "output", model.input(node, 0).dims));
  return emit_binary(node, planner, planner.kernels().float_vector->prelu);
}

Status prepare_float_unary(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 1));
  const Model& model = planner.model();
  const Tensor& parameters = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_all_float(node, model));
  INTAGLIO_TRY(check_dims(node, y, "output", model.input(node, 0).dims));
  INTAGLIO_TRY(check_between(node, "kind", node.attrs[0], 0, kFloatUnaryKinds - 1));
  INTAGLIO_TRY(check_constant(node, parameters, "parameters", DType::kFloat32, {parameter_count(node.attrs[0])}));
  for (const float parameter : parameters.values<float>()) {
    if (parameter != parameter) return node_error(Code::kModelFormat, node, "parameters: expected numbers, got NaN");
  }
  if (y.elements == 0) return {};
  auto* args = planner.make<UnaryArguments>();
  if (args == nullptr) return out_of_memory(node);
  const auto& kernel = planner.kernels().float_vector->unary[node.attrs[0]];
  *args = {planner.tensor(node.inputs[0]), planner.tensor(node.inputs[1]), planner.tensor(node.outputs[0]), kernel.run,
           y.elements};
  return planner.emit({.run = run_unary,
                       .arguments = args,
                       .parts = planner.parts_for(y.elements * kUnaryCost),
                       .kernel = kernel.name});
}

}  // namespace intaglio
