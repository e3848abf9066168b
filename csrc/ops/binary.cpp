#include "ops/binary.h"

#include <algorithm>

#include "kernels/vector.h"
#include "ops/broadcast.h"
#include "ops/checks.h"
#include "ops/nd_loop.h"

namespace intaglio {

namespace {

// Cost of one element in multiply-accumulates.
constexpr std::int64_t kElementCost = 16;

struct Arguments {
  Slot a, b, y;
  BinaryFunction run;
  const BinaryParameters* parameters;
  NdLoop<2> outer;           // over a and b; y is dense
  std::int64_t inner_count;  // elements per turn of the innermost outer loop
  std::int64_t advance_a, advance_b;
};

// Parts are ranges of elements; a part may begin and end within an inner run.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const auto* a = memory.at<std::uint8_t>(args.a);
  const auto* b = memory.at<std::uint8_t>(args.b);
  auto* y = memory.at<std::uint8_t>(args.y);
  const Range range = split(args.outer.total() * args.inner_count, part, parts);
  std::int64_t inner = range.begin % args.inner_count;
  NdPosition<2> position(args.outer, range.begin / args.inner_count);
  for (std::int64_t i = range.begin; i < range.end;) {
    const std::int64_t count = std::min(args.inner_count - inner, range.end - i);
    args.run(*args.parameters, a + position.offset(0) + inner * args.advance_a,
             b + position.offset(1) + inner * args.advance_b, y + i, static_cast<std::size_t>(count));
    i += count;
    inner = 0;
    position.next();
  }
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

Status emit_binary(const Node& node, Planner& planner, const BinaryKernel& kernel, const BinaryParameters* parameters) {
  const Model& model = planner.model();
  const Tensor& y = model.output(node);
  if (y.elements == 0) return {};
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);

  NdLoop<2> loop;
  const Strides a = broadcast_strides(model.input(node, 0).dims, y.dims);
  const Strides b = broadcast_strides(model.input(node, 1).dims, y.dims);
  for (std::size_t i = 0; i < y.dims.size(); ++i) loop.add(y.dims[i], {a.at[i], b.at[i]});
  // The innermost loop has strides 0 or 1, at least one of them 1.
  args->inner_count = 1;
  args->advance_a = args->advance_b = 1;
  if (loop.rank > 0) {
    --loop.rank;
    args->inner_count = loop.count[loop.rank];
    args->advance_a = loop.stride[loop.rank][0];
    args->advance_b = loop.stride[loop.rank][1];
  }
  args->outer = loop;
  args->run = args->advance_a == 0 ? kernel.a_still : args->advance_b == 0 ? kernel.b_still : kernel.both;
  args->parameters = parameters;
  args->a = planner.tensor(node.inputs[0]);
  args->b = planner.tensor(node.inputs[1]);
  args->y = planner.tensor(node.outputs[0]);
  return planner.emit({.run = run,
                       .arguments = args,
                       .parts = planner.parts_for(y.elements * kElementCost),
                       .kernel = kernel.name,
                       .reason = loop.rank == 0 ? "one run" : "one run per innermost axis"});
}

}  // namespace intaglio
