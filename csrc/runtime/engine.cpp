#include "runtime/engine.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <new>

#include "base/float_environment.h"
#include "runtime/process.h"

namespace intaglio {
namespace {

// Contexts that large do not fit a core's caches side by side, so their samples share the threads layer by layer.
constexpr std::size_t kSmallArena = std::size_t{4} << 20;

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

Engine::~Engine() {
  while (free_ != nullptr) {
    Context* const context = free_;
    free_ = context->next;
    context->~Context();
    allocator_.release(context, sizeof(Context));
  }
}

Status Engine::load(std::span<const std::byte> file, Constants constants, Isa isa, int threads) {
  const FloatEnvironment environment;
  isa_ = isa;
  threads_ = std::clamp(threads, 1, kMaxThreads);
  Result<Model> model = read_model(file, constants, allocator_);
  if (!model.ok()) return model.status();
  model_ = std::move(model).value();
  batchable_ = model_.inputs.size() > 0 && leading_ones(model_.inputs, model_) && leading_ones(model_.outputs, model_);
  INTAGLIO_TRY(plan_.build(model_, kernels_for(isa_), threads_));
  return detach(model_, file, allocator_);
}

// How many threads share the samples: each then runs whole samples by itself, which costs one hand-off in all.
int Engine::sample_parts(std::int64_t samples) const {
  if (samples < threads_ || plan_.arena_bytes() > kSmallArena) {
    if (plan_.parts() > 1) return 1;
  }
  const double worth = static_cast<double>(samples) * static_cast<double>(plan_.work()) / double{kWorkPerPart};
  const auto most = static_cast<double>(std::min<std::int64_t>(samples, threads_));
  return static_cast<int>(std::clamp(worth, 1.0, most));
}

struct Engine::Share {
  const Engine& engine;
  const Batch& batch;
  Context* const* contexts;
};

Status Engine::run(const Batch& batch) {
  if (batch.samples == 0) return {};
  const int sharing = sample_parts(batch.samples);
  Context* contexts[kMaxThreads];
  INTAGLIO_TRY(take(sharing, contexts));
  {
    const FloatEnvironment environment;
    if (sharing > 1) {
      const Share share{*this, batch, contexts};
      const auto run_samples = [](const void* arguments, int part, int parts) {
        const Share& s = *static_cast<const Share*>(arguments);
        Team alone(1);
        const Range range = split(s.batch.samples, part, parts);
        bool fine = true;
        for (std::int64_t i = range.begin; i < range.end && fine; ++i) {
          fine = s.engine.run_sample(s.batch, i, *s.contexts[part], alone);
        }
      };
      Team(threads_).run({run_samples, &share}, sharing);
    } else {
      Team team(plan_.parts());
      bool fine = true;
      for (std::int64_t i = 0; i < batch.samples && fine; ++i) fine = run_sample(batch, i, *contexts[0], team);
    }
  }
  Status outcome;
  for (int i = 0; i < sharing && outcome.ok(); ++i) {
    outcome = plan_.outcome(model_, Memory(contexts[i]->addresses.data()));
  }
  give_back(sharing, contexts);
  return outcome;
}

bool Engine::run_sample(const Batch& batch, std::int64_t sample, const Context& context, Team& team) const {
  const Memory memory(context.addresses.data());
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

Status Engine::profile(const std::byte* const* inputs, std::span<std::int64_t> nanoseconds) {
  using Clock = std::chrono::steady_clock;
  Context* context = nullptr;
  INTAGLIO_TRY(take(1, &context));
  {
    const FloatEnvironment environment;
    const Memory memory(context->addresses.data());
    Team team(plan_.parts());
    for (std::size_t i = 0; i < plan_.inputs().size(); ++i) copy_in(plan_.inputs()[i], inputs[i], memory);
    Clock::time_point before = Clock::now();
    for (std::size_t i = 0; i < plan_.steps().size(); ++i) {
      run_step(plan_.steps()[i], memory, team);
      const Clock::time_point after = Clock::now();
      nanoseconds[i] = std::chrono::nanoseconds(after - before).count();
      before = after;
    }
  }
  give_back(1, &context);
  return {};
}

Status Engine::take(int count, Context** taken) {
  int have = 0;
  {
    const std::lock_guard lock(process_mutex());
    for (; have < count && free_ != nullptr; ++have) {
      taken[have] = free_;
      free_ = free_->next;
    }
  }
  for (; have < count; ++have) {
    taken[have] = make_context();
    if (taken[have] == nullptr) {
      give_back(have, taken);
      return Status::error(Code::kOutOfMemory, "no memory for a context of %zu bytes", plan_.arena_bytes());
    }
  }
  return {};
}

void Engine::give_back(int count, Context* const* taken) {
  const std::lock_guard lock(process_mutex());
  for (int i = 0; i < count; ++i) {
    taken[i]->next = free_;
    free_ = taken[i];
  }
}

Engine::Context* Engine::make_context() {
  void* const memory = allocator_.allocate(sizeof(Context));
  if (memory == nullptr) return nullptr;
  auto* const context = new (memory) Context{nullptr, Array<std::byte*>(allocator_, plan_.slot_count()),
                                             Array<Uninitialized>(allocator_, plan_.arena_bytes())};
  if (!context->addresses.ok() || !context->arena.ok()) {
    context->~Context();
    allocator_.release(context, sizeof(Context));
    return nullptr;
  }
  plan_.bind(&context->arena[0].value, {context->addresses.data(), context->addresses.size()});
  return context;
}

}  // namespace intaglio
