#include "kernels/vector.h"
#include "ops/checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kTableSize = 256;
constexpr std::int64_t kElementCost = 32;

struct Arguments {
  Slot x, y;
  LookupFunction run;
  std::int64_t count;
  std::uint8_t table[kTableSize];  // storage form, of index and entry
};

void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const Range range = split(args.count, part, parts);
  args.run(args.table, memory.at<std::uint8_t>(args.x) + range.begin, memory.at<std::uint8_t>(args.y) + range.begin,
           static_cast<std::size_t>(range.end - range.begin));
}

}  // namespace

Status prepare_lookup(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 0));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& table = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_activation(node, x, "input"));
  INTAGLIO_TRY(check_activation(node, y, "output"));
  INTAGLIO_TRY(check_constant(node, table, "table", DType::kInt8, {kTableSize}));
  INTAGLIO_TRY(check_dims(node, y, "output", x.dims));
  if (y.elements == 0) return {};

  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  for (std::size_t i = 0; i < kTableSize; ++i) {
    args->table[i] = static_cast<std::uint8_t>(table.values<std::int8_t>()[i] + kStorageOffset);
  }
  args->x = planner.tensor(node.inputs[0]);
  args->y = planner.tensor(node.outputs[0]);
  args->run = planner.kernels().vector->lookup.run;
  args->count = y.elements;
  return planner.emit({.run = run,
                       .arguments = args,
                       .parts = planner.parts_for(y.elements * kElementCost),
                       .kernel = planner.kernels().vector->lookup.name});
}

}  // namespace intaglio
