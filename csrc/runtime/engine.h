// A loaded model: the plan, and how it runs in the contexts that callers bring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.h"
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

// How long the bytes stay that an engine is loaded from.
enum class FileLife {
  kLoad,    // until load() returns: the engine copies the tables it goes on using
  kEngine,  // as long as the engine
};

// Immutable after load(); any number of threads may run it at once, each in a context of its own.
class Engine {
 public:
  explicit Engine(Allocator& allocator) : allocator_(allocator), plan_(allocator) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Once. For `file`, 8-byte aligned, and `constants` see read_model; constants may go when this returns.
  Status load(std::span<const std::byte> file, Constants constants, FileLife life, Isa isa, int threads);

  // A context is kAlignment-aligned memory of so many bytes, a multiple of kAlignment, made ready once.
  std::size_t context_bytes() const;
  void prepare_context(std::byte* context) const;
  // How many contexts a run of so many samples can use.
  int useful_contexts(std::int64_t samples) const;

  // In the given contexts, one or more, which no other run may be using. Allocates nothing. NaN is an error where the
  // network makes integers of float32 numbers.
  Status run(const Batch& batch, std::span<std::byte* const> contexts) const;
  // Runs one sample, an array per input; nanoseconds[i] is the time of step i by this clock.
  void profile(const std::byte* const* inputs, std::byte* context, Clock clock,
               std::span<std::int64_t> nanoseconds) const;

  const Model& model() const { return model_; }
  const Plan& plan() const { return plan_; }
  Isa isa() const { return isa_; }
  int threads() const { return threads_; }
  // Whether callers may give any number of samples: every input and output has a leading dim of 1.
  bool batchable() const { return batchable_; }

 private:
  Status check_inputs(const Batch& batch) const;
  // False where the sample's numbers make the run an error.
  bool run_sample(const Batch& batch, std::int64_t sample, const Memory& memory, Team& team) const;

  Allocator& allocator_;
  Model model_;
  Plan plan_;
  Isa isa_ = Isa::kScalar;
  int threads_ = 1;
  bool batchable_ = false;
  bool rounds_floats_ = false;  // the network quantizes float32 numbers
};

}  // namespace intaglio
