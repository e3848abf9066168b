#include "runtime/engine.h"

#include <algorithm>

#include "base/checked.h"
#include "base/float_environment.h"

namespace intaglio {
namespace {

// Contexts that large do not fit a core's caches side by side, so their samples share the threads layer by layer.
constexpr std::size_t kSmallArena = std::size_t{4} << 20;

Memory memory_of(const std::byte* context) { return Memory(reinterpret_cast<std::byte* const*>(context)); }

struct StepCall {
  const Step* step;
  const Memory* memory;
};

void run_part(const void* arguments, int part, int parts) {
  const auto& call = *static_cast<const StepCall*>(arguments);
  call.step->run(call.step->arguments, *call.memory, part, parts);
}

void run_step(const Step& step, const Memory& memory, Team& team) {
  if (step.parts == 1) {
    step.run(step.arguments, memory, 0, 1);
  } else {
    const StepCall call{&step, &memory};
    team.run({run_part, &call}, step.parts);
  }
}

bool leading_ones(const Array<Port>& ports, const Model& model) {
  return std::all_of(ports.begin(), ports.end(), [&](const Port& port) {
    const auto& dims = model.tensors[port.tensor].dims;
    return !dims.empty() && dims[0] == 1;
  });
}

}  // namespace

Status Engine::load(std::span<const std::byte> file, Constants constants, FileLife life, Isa isa, int threads) {
  const FloatEnvironment environment;
  isa_ = isa;
  threads_ = std::clamp(threads, 1, kMaxThreads);
  Result<Model> model = read_model(file, constants, allocator_);
  if (!model.ok()) return model.status();
  model_ = std::move(model).value();
  batchable_ = model_.inputs.size() > 0 && leading_ones(model_.inputs, model_) && leading_ones(model_.outputs, model_);
  rounds_floats_ = std::any_of(model_.nodes.begin(), model_.nodes.end(), [](const Node& node) {
    return node.op == OpCode::quantize || node.op == OpCode::dynamic_quantize;
  });
  const bool file_stays = life == FileLife::kEngine && constants.empty();
  INTAGLIO_TRY(plan_.build(model_, kernels_for(isa_), threads_, file_stays));
  return life == FileLife::kEngine ? Status() : detach(model_, file, allocator_);
}

// The table of addresses, then the arena.
std::size_t Engine::context_bytes() const {
  return align_up(plan_.slot_count() * sizeof(std::byte*)) + align_up(plan_.arena_bytes());
}

void Engine::prepare_context(std::byte* context) const {
  auto* const addresses = reinterpret_cast<std::byte**>(context);
  plan_.bind(context + align_up(plan_.slot_count() * sizeof(std::byte*)), {addresses, plan_.slot_count()});
}

// How many threads share the samples: each then runs whole samples by itself, which costs one hand-off in all.
int Engine::useful_contexts(std::int64_t samples) const {
  if (samples < threads_ || plan_.arena_bytes() > kSmallArena) {
    if (plan_.parts() > 1) return 1;
  }
  const double worth = static_cast<double>(samples) * static_cast<double>(plan_.work()) / double{kWorkPerPart};
  const auto most = static_cast<double>(std::clamp<std::int64_t>(samples, 1, threads_));
  return static_cast<int>(std::clamp(worth, 1.0, most));
}

Status Engine::check_inputs(const Batch& batch) const {
  for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
    const Tensor& port = model_.tensors[model_.inputs[i].tensor];
    if (port.dtype == DType::kFloat32) INTAGLIO_TRY(check_numbers(port, batch.inputs[i], batch.first, batch.samples));
  }
  return {};
}

Status Engine::run(const Batch& batch, std::span<std::byte* const> contexts) const {
  if (rounds_floats_) INTAGLIO_TRY(check_inputs(batch));
  struct Share {
    const Engine& engine;
    const Batch& batch;
    std::span<std::byte* const> contexts;
  };
  const FloatEnvironment environment;
  const std::int64_t work = saturating_product(batch.samples, plan_.work());
  if (contexts.size() > 1) {
    const Share share{*this, batch, contexts};
    const auto run_samples = [](const void* arguments, int part, int parts) {
      const Share& s = *static_cast<const Share*>(arguments);
      const Memory memory = memory_of(s.contexts[static_cast<std::size_t>(part)]);
      Team alone(1, 0);
      const Range range = split(s.batch.samples, part, parts);
      bool fine = true;
      for (std::int64_t i = range.begin; i < range.end && fine; ++i) {
        fine = s.engine.run_sample(s.batch, i, memory, alone);
      }
    };
    Team(threads_, work).run({run_samples, &share}, static_cast<int>(contexts.size()));
  } else {
    Team team(plan_.parts(), work);
    bool fine = true;
    for (std::int64_t i = 0; i < batch.samples && fine; ++i) fine = run_sample(batch, i, memory_of(contexts[0]), team);
  }
  Status outcome;
  if (!plan_.has_verdicts() || batch.samples == 0) return outcome;
  for (std::size_t i = 0; i < contexts.size() && outcome.ok(); ++i) {
    outcome = plan_.outcome(model_, memory_of(contexts[i]));
  }
  return outcome;
}

bool Engine::run_sample(const Batch& batch, std::int64_t sample, const Memory& memory, Team& team) const {
  const auto at = static_cast<std::size_t>(batch.first + sample);
  for (std::size_t i = 0; i < plan_.inputs().size(); ++i) {
    const PortCopy& port = plan_.inputs()[i];
    copy_in(port, batch.inputs[i] + at * port.bytes, memory);
  }
  for (const Step& step : plan_.steps()) run_step(step, memory, team);
  for (std::size_t i = 0; i < plan_.outputs().size(); ++i) {
    const PortCopy& port = plan_.outputs()[i];
    copy_out(port, memory, batch.outputs[i] + at * port.bytes);
  }
  return !plan_.has_verdicts() || plan_.outcome(model_, memory).ok();
}

void Engine::profile(const std::byte* const* inputs, std::byte* context, Clock clock,
                     std::span<std::int64_t> nanoseconds) const {
  const FloatEnvironment environment;
  const Memory memory = memory_of(context);
  Team team(plan_.parts(), plan_.work());
  for (std::size_t i = 0; i < plan_.inputs().size(); ++i) copy_in(plan_.inputs()[i], inputs[i], memory);
  std::int64_t before = clock();
  for (std::size_t i = 0; i < plan_.steps().size(); ++i) {
    run_step(plan_.steps()[i], memory, team);
    const std::int64_t after = clock();
    nanoseconds[i] = after - before;
    before = after;
  }
}

}  // namespace intaglio
