#include "model/peak.h"

#include <algorithm>

namespace intaglio {

Result<std::uint64_t> peak_activation_bytes(const Model& model, Allocator& allocator) {
  const std::size_t nodes = model.nodes.size();
  Array<std::size_t> last(allocator, model.tensors.size());  // the node after which a tensor dies
  Array<std::uint64_t> dying(allocator, nodes + 1);
  if (!last.ok() || !dying.ok()) return Status::error(Code::kOutOfMemory, "no memory to find the peak");
  for (std::size_t i = 0; i < nodes; ++i) {
    for (const std::int64_t id : model.nodes[i].inputs) last[static_cast<std::size_t>(id)] = i;
    for (const std::int64_t id : model.nodes[i].outputs) last[static_cast<std::size_t>(id)] = i;
  }
  for (const Port& port : model.outputs) last[port.tensor] = nodes;
  for (std::size_t id = 0; id < last.size(); ++id) {
    if (!model.tensors[id].constant()) dying[last[id]] += model.tensors[id].bytes;
  }
  std::uint64_t alive = 0;
  for (const Port& port : model.inputs) alive += model.tensors[port.tensor].bytes;
  std::uint64_t peak = nodes == 0 ? alive : 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    for (const std::int64_t id : model.nodes[i].outputs) alive += model.tensors[static_cast<std::size_t>(id)].bytes;
    peak = std::max(peak, alive);
    alive -= dying[i];
  }
  return peak;
}

}  // namespace intaglio
