#include "ops/binary.h"

#include "kernels/vector.h"
#include "ops/broadcast.h"
#include "ops/broadcast_runs.h"
#include "ops/checks.h"

namespace intaglio {

namespace {

// Cost of one element in multiply-accumulates: half of its three bytes would change caches if one part did them all.
constexpr std::int64_t kElementCost = 16 + 3 * kForeignByteCost / 2;

struct Arguments {
  Slot a, b, y;
  BinaryFunction run;
  const BinaryParameters* parameters;
  BroadcastRuns runs;
};

void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const auto* a = memory.at<std::uint8_t>(args.a);
  const auto* b = memory.at<std::uint8_t>(args.b);
  auto* y = memory.at<std::uint8_t>(args.y);
  args.runs.for_each(part, parts, [&](std::int64_t from_a, std::int64_t from_b, std::int64_t to, std::size_t count) {
    args.run(*args.parameters, {a + from_a, args.runs.advance_a == 0}, {b + from_b, args.runs.advance_b == 0}, y + to,
             count);
  });
}

}  // namespace

Status check_binary(const Node& node, const Model& model) {
  const Tensor& a = model.input(node, 0);
  const Tensor& b = model.input(node, 1);
  INTAGLIO_TRY(check_activation(node, a, "input a"));
  INTAGLIO_TRY(check_activation(node, b, "input b"));
  INTAGLIO_TRY(check_activation(node, model.output(node), "output"));
  auto dims = broadcast_dims(node, a.dims, b.dims);
  if (!dims.ok()) return dims.status();
  return check_dims(node, model.output(node), "output", dims.value().span());
}

Status emit_binary(const Node& node, Planner& planner, const Named<BinaryFunction>& kernel,
                   const BinaryParameters* parameters) {
  const Model& model = planner.model();
  const Tensor& y = model.output(node);
  if (y.elements == 0) return {};
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);

  args->runs = BroadcastRuns::of(model.input(node, 0), model.input(node, 1), y);
  args->run = kernel.run;
  args->parameters = parameters;
  args->a = planner.tensor(node.inputs[0]);
  args->b = planner.tensor(node.inputs[1]);
  args->y = planner.tensor(node.outputs[0]);
  return planner.emit({.run = run,
                       .arguments = args,
                       .parts = planner.parts_for(y.elements * kElementCost),
                       .kernel = kernel.name,
                       .reason = args->runs.outer.rank == 0 ? "one run" : "one run per innermost axis"});
}

}  // namespace intaglio
