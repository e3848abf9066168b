// A loaded model: the plan, and the contexts in which it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/memory.h"
#include "base/status.h"
#include "cpu/isa.h"
#include "model/model.h"
#include "runtime/plan.h"
#include "runtime/thread_pool.h"

namespace intaglio {

// One array per port, samples end to end; a run does `samples` of them from `first` on.
struct Batch {
  const std::byte* const* inputs = nullptr;
  std::byte* const* outputs = nullptr;
  std::int64_t samples = 1;
  std::int64_t first = 0;
};

// Immutable after load(); any number of threads may run it at once, each in a context of its own.
class Engine {
 public:
  explicit Engine(Allocator& allocator) : allocator_(allocator), plan_(allocator) {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Once. `file`, 8-byte aligned, and `constants` (see read_model) may go when this returns.
  Status load(std::span<const std::byte> file, Constants constants, Isa isa, int threads);

  // Allocates nothing once as many runs have been active at the same time as now.
  Status run(const Batch& batch);
  // Runs one sample, an array per input; nanoseconds[i] is the time of step i.
  Status profile(const std::byte* const* inputs, std::span<std::int64_t> nanoseconds);

  const Model& model() const { return model_; }
  const Plan& plan() const { return plan_; }
  Isa isa() const { return isa_; }
  int threads() const { return threads_; }
  // Whether callers may give any number of samples: every input and output has a leading dim of 1.
  bool batchable() const { return batchable_; }

 private:
  struct Context {
    Context* next = nullptr;
    Array<std::byte*> addresses;
    Array<Uninitialized> arena;
  };
  struct Share;

  // Takes `count` contexts into `taken`; on failure none.
  Status take(int count, Context** taken);
  void give_back(int count, Context* const* taken);
  Context* make_context();

  int sample_parts(std::int64_t samples) const;
  // False where the sample's numbers make the run an error.
  bool run_sample(const Batch& batch, std::int64_t sample, const Context& context, Team& team) const;

  Allocator& allocator_;
  Model model_;
  Plan plan_;
  Isa isa_ = Isa::kScalar;
  int threads_ = 1;
  bool batchable_ = false;
  Context* free_ = nullptr;  // guarded by process_mutex()
};

}  // namespace intaglio
