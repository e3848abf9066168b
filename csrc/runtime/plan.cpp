#include "runtime/plan.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "base/checked.h"
#include "ops/built.h"
#include "runtime/arena.h"

namespace intaglio {
namespace {

constexpr std::uint32_t kNever = 0xFFFFFFFF;

Status left_out(const Node& node, const char* family) {
  return node_error(Code::kLeftOut, node, "this build was made without the '%s' ops", family);
}

Status prepare(const Node& node, Planner& planner) {
  switch (node.op) {
#define OP(code, name, family)                                            \
  case OpCode::name:                                                      \
    if constexpr (kBuiltOps.family) return prepare_##name(node, planner); \
    return left_out(node, #family);
#include "ops/ops.inc"
#undef OP
  }
  return node_error(Code::kUnsupportedOp, node, "unknown op code %u", static_cast<unsigned>(node.op));
}

// Ops that write an element of their output only after they have read the same element of their inputs.
bool works_in_place(OpCode op) {
  switch (op) {
    case OpCode::add:
    case OpCode::sub:
    case OpCode::mul:
    case OpCode::maximum:
    case OpCode::minimum:
    case OpCode::lookup:
      return true;
    default:
      return false;
  }
}

}  // namespace

class PlanBuilder final : public Planner {
 public:
  PlanBuilder(Plan& plan, const Model& model, const Kernels& kernels, int threads, bool file_stays)
      : plan_(plan),
        model_(model),
        kernels_(kernels),
        threads_(threads),
        file_stays_(file_stays),
        values_(plan.allocator_) {}
  ~PlanBuilder() = default;

  Status build();

  const Model& model() const override { return model_; }
  const Kernels& kernels() const override { return kernels_; }
  int threads() const override { return threads_; }
  bool file_stays() const override { return file_stays_; }
  Slot tensor(std::int64_t id) override;
  Slot scratch(std::uint64_t bytes) override;
  PartSlots part_scratch(std::uint64_t bytes, int parts) override;
  Slot verdict() override;
  bool alias(std::int64_t output, std::int64_t input) override;
  void* allocate(std::size_t bytes) override { return plan_.memory_.allocate(bytes); }
  Status emit(const Step& step) override;

 private:
  // What a slot names: a tensor (slots [0, tensors)) or a node's scratch memory. Aliases share one buffer.
  struct Value {
    std::size_t bytes;
    std::uint32_t first = kNever, last = 0;  // nodes at which it is alive
    std::uint32_t same_as;                   // itself, or the slot whose memory this is; leads to the representative
    std::byte* constant = nullptr;
    std::uint32_t needed_until = 0;  // the last node that reads it, or an alias of it
  };

  Status prepare_nodes();
  Status make_ports();
  Status place_buffers();
  Status failure() const;

  std::uint32_t representative(std::uint32_t slot) const;
  void use(std::int64_t id, std::uint32_t node);
  void need(std::int64_t id, std::uint32_t node);
  bool overwritable(const Node& node, std::int64_t id) const;
  void overwrite_input(const Node& node);

  Plan& plan_;
  const Model& model_;
  const Kernels& kernels_;
  const int threads_;
  const bool file_stays_;
  List<Value> values_;
  std::uint32_t node_ = 0;          // being prepared
  PartSlots part_scratch_{kNever};  // a slot for each thread, once a step has asked for it
  bool out_of_memory_ = false;
  const Fetch** fetches_ = nullptr;  // of the last step that reads constants
};

Status PlanBuilder::build() {
  for (std::uint32_t i = 0; i < model_.tensors.size(); ++i) {
    if (!values_.push({model_.tensors[i].bytes, kNever, 0, i, nullptr})) out_of_memory_ = true;
  }
  INTAGLIO_TRY(failure());
  INTAGLIO_TRY(prepare_nodes());
  INTAGLIO_TRY(make_ports());
  return place_buffers();
}

Status PlanBuilder::prepare_nodes() {
  const auto end = static_cast<std::uint32_t>(model_.nodes.size());
  for (const Port& port : model_.inputs) use(port.tensor, 0);
  for (const Port& port : model_.outputs) use(port.tensor, end);
  for (std::uint32_t node = 0; node < end; ++node) {
    for (const std::int64_t id : model_.nodes[node].inputs) need(id, node);
  }
  for (const Port& port : model_.outputs) need(port.tensor, end);
  for (node_ = 0; node_ < end; ++node_) {
    const Node& node = model_.nodes[node_];
    for (const std::int64_t id : node.inputs) use(id, node_);
    for (const std::int64_t id : node.outputs) use(id, node_);
    if (works_in_place(node.op)) overwrite_input(node);
    INTAGLIO_TRY(prepare(node, *this));
    INTAGLIO_TRY(failure());
  }
  return {};
}

Status PlanBuilder::make_ports() {
  plan_.inputs_ = Array<PortCopy>(plan_.allocator_, model_.inputs.size());
  plan_.outputs_ = Array<PortCopy>(plan_.allocator_, model_.outputs.size());
  out_of_memory_ = !plan_.inputs_.ok() || !plan_.outputs_.ok();
  INTAGLIO_TRY(failure());
  const auto copy = [&](const Port& port) {
    plan_.work_ += static_cast<std::int64_t>(model_.tensors[port.tensor].bytes);
    return PortCopy{tensor(port.tensor), model_.tensors[port.tensor].bytes, port.dtype == DType::kInt8};
  };
  std::transform(model_.inputs.begin(), model_.inputs.end(), plan_.inputs_.begin(), copy);
  std::transform(model_.outputs.begin(), model_.outputs.end(), plan_.outputs_.begin(), copy);
  return failure();
}

Status PlanBuilder::place_buffers() {
  const std::size_t count = values_.size();
  Array<Buffer> buffers(plan_.allocator_, count);
  plan_.slots_ = Array<Plan::Place>(plan_.allocator_, count);
  out_of_memory_ = !buffers.ok() || !plan_.slots_.ok();
  INTAGLIO_TRY(failure());
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    const Value& value = values_[slot];
    if (value.first == kNever) continue;
    Buffer& buffer = buffers[representative(slot)];
    buffer.first = buffer.bytes == 0 ? value.first : std::min(buffer.first, value.first);
    buffer.last = std::max(buffer.last, value.last);
    buffer.bytes = value.bytes;
  }
  Result<std::size_t> arena = place(buffers, plan_.allocator_);
  if (!arena.ok()) return arena.status();
  plan_.arena_bytes_ = arena.value() + kSlack;
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    plan_.slots_[slot] = {values_[slot].constant, buffers[representative(slot)].offset};
  }
  return {};
}

Status PlanBuilder::failure() const {
  return out_of_memory_ ? Status::error(Code::kOutOfMemory, "no memory for the plan") : Status();
}

std::uint32_t PlanBuilder::representative(std::uint32_t slot) const {
  while (values_[slot].same_as != slot) slot = values_[slot].same_as;
  return slot;
}

void PlanBuilder::use(std::int64_t id, std::uint32_t node) {
  Value& value = values_[static_cast<std::size_t>(id)];
  if (model_.tensors[static_cast<std::size_t>(id)].constant()) return;
  value.first = std::min(value.first, node);
  value.last = std::max(value.last, node);
}

void PlanBuilder::need(std::int64_t id, std::uint32_t node) {
  Value& value = values_[static_cast<std::size_t>(id)];
  value.needed_until = std::max(value.needed_until, node);
}

// Whether nobody needs the tensor after the node, which reads it element by element with its output.
bool PlanBuilder::overwritable(const Node& node, std::int64_t id) const {
  const Tensor& from = model_.tensors[static_cast<std::size_t>(id)];
  const Tensor& to = model_.output(node);
  const std::uint32_t slot = representative(static_cast<std::uint32_t>(id));
  return from.dtype == to.dtype && std::ranges::equal(from.dims, to.dims) && values_[slot].needed_until == node_ &&
         std::ranges::none_of(node.inputs, [&](std::int64_t other) {
           return other != id && representative(static_cast<std::uint32_t>(other)) == slot;
         });
}

// Gives the node's output the memory of an input, where one is free for it.
void PlanBuilder::overwrite_input(const Node& node) {
  if (node.outputs.size() != 1) return;
  for (const std::int64_t id : node.inputs) {
    if (overwritable(node, id) && alias(node.outputs[0], id)) return;
  }
}

Slot PlanBuilder::tensor(std::int64_t id) {
  const Tensor& tensor = model_.tensors[static_cast<std::size_t>(id)];
  Value& value = values_[static_cast<std::size_t>(id)];
  if (tensor.constant() && value.constant == nullptr) {
    value.constant = static_cast<std::byte*>(allocate(tensor.bytes));
    if (value.constant == nullptr) {
      out_of_memory_ = true;
    } else if (tensor.dtype == DType::kInt8) {
      flip_signs(tensor.data, value.constant, tensor.bytes);
    } else if (tensor.bytes > 0) {
      std::memcpy(value.constant, tensor.data, tensor.bytes);
    }
  }
  return {static_cast<std::uint32_t>(id)};
}

Slot PlanBuilder::scratch(std::uint64_t bytes) {
  const auto slot = static_cast<std::uint32_t>(values_.size());
  const auto size = static_cast<std::size_t>(bytes);
  if (size != bytes || !values_.push({size, node_, node_, slot, nullptr})) out_of_memory_ = true;
  return {slot};
}

PartSlots PlanBuilder::part_scratch(std::uint64_t bytes, int parts) {
  if (parts == 1) return {scratch(bytes).index};
  if (part_scratch_.first == kNever) {
    part_scratch_ = {static_cast<std::uint32_t>(values_.size())};
    for (int part = 0; part < threads_; ++part) {
      const Slot slot = scratch(0);
      if (out_of_memory_) return {};
      values_[slot.index].first = 0;
      values_[slot.index].last = static_cast<std::uint32_t>(model_.nodes.size());
    }
  }
  for (int part = 0; part < parts; ++part) {
    Value& value = values_[part_scratch_.of(part).index];
    value.bytes = std::max(value.bytes, static_cast<std::size_t>(bytes));
    if (value.bytes < bytes) out_of_memory_ = true;
  }
  return part_scratch_;
}

Slot PlanBuilder::verdict() {
  const Slot slot = scratch(sizeof(Verdict));
  values_[slot.index].last = static_cast<std::uint32_t>(model_.nodes.size());
  if (!plan_.verdicts_.push({slot, node_})) out_of_memory_ = true;
  return slot;
}

bool PlanBuilder::alias(std::int64_t output, std::int64_t input) {
  const Tensor& to = model_.tensors[static_cast<std::size_t>(output)];
  const Tensor& from = model_.tensors[static_cast<std::size_t>(input)];
  if (from.constant() || to.constant() || from.bytes != to.bytes) return false;
  const std::uint32_t shared = representative(static_cast<std::uint32_t>(input));
  values_[static_cast<std::size_t>(output)].same_as = shared;
  need(shared, values_[static_cast<std::size_t>(output)].needed_until);
  return true;
}

Status PlanBuilder::emit(const Step& step) {
  if (!plan_.steps_.push(step)) return out_of_memory(model_.nodes[node_]);
  plan_.steps_[plan_.steps_.size() - 1].node = node_;
  if (step.reads != nullptr) {
    if (fetches_ != nullptr) *fetches_ = step.reads;
    fetches_ = step.fetches;
  }
  plan_.parts_ = std::max(plan_.parts_, step.parts);
  if (!checked_add(plan_.work_, step.macs, plan_.work_)) plan_.work_ = INT64_MAX / 2;
  for (const std::int64_t id : model_.nodes[node_].outputs) {
    plan_.work_ += static_cast<std::int64_t>(model_.tensors[static_cast<std::size_t>(id)].bytes);
  }
  return {};
}

Status Plan::build(const Model& model, const Kernels& kernels, int threads, bool file_stays) {
  return PlanBuilder(*this, model, kernels, threads, file_stays).build();
}

Status Plan::outcome(const Model& model, const Memory& memory) const {
  for (const NodeVerdict& verdict : verdicts_) {
    const Verdict& found = *memory.at<const Verdict>(verdict.slot);
    if (found.inside) continue;
    return node_error(Code::kInput, model.nodes[verdict.node],
                      "expected indices %" PRId64 " to %" PRId64 ", got %" PRId64, found.low, found.high, found.value);
  }
  return {};
}

void Plan::bind(std::byte* arena, std::span<std::byte*> addresses) const {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    const Place& place = slots_[slot];
    addresses[slot] = place.constant != nullptr ? place.constant : arena + place.offset;
  }
}

}  // namespace intaglio
