// How one model runs on this CPU: a flat list of steps, and where every value lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bump.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/status.h"
#include "model/model.h"
#include "runtime/planner.h"
#include "runtime/ports.h"

namespace intaglio {

// Immutable once built, and shared by all contexts.
class Plan {
 public:
  explicit Plan(Allocator& allocator)
      : allocator_(allocator), memory_(allocator), steps_(allocator), verdicts_(allocator) {}

  // `file_stays`: constants of the model stay where they are as long as the plan.
  Status build(const Model& model, const Kernels& kernels, int threads, bool file_stays);

  std::span<const Step> steps() const { return steps_; }
  std::span<const PortCopy> inputs() const { return inputs_; }
  std::span<const PortCopy> outputs() const { return outputs_; }
  // The most parts any step has.
  int parts() const { return parts_; }
  // Rough size of one run: multiply-accumulates, and bytes moved counted as such.
  std::int64_t work() const { return work_; }
  std::size_t arena_bytes() const { return arena_bytes_; }
  // Packed weights, tables and arguments.
  std::size_t constant_bytes() const { return memory_.bytes(); }

  bool has_verdicts() const { return verdicts_.size() > 0; }
  // An error where a step of the run that ended in this memory was given numbers it cannot take.
  Status outcome(const Model& model, const Memory& memory) const;

  // Fills a context's table of addresses.
  std::size_t slot_count() const { return slots_.size(); }
  void bind(std::byte* arena, std::span<std::byte*> addresses) const;

 private:
  friend class PlanBuilder;

  struct Place {
    std::byte* constant = nullptr;
    std::size_t offset = 0;  // in the arena, where not constant
  };

  struct NodeVerdict {
    Slot slot;
    std::uint32_t node;
  };

  Allocator& allocator_;
  Bump memory_;
  List<Step> steps_;
  List<NodeVerdict> verdicts_;
  Array<Place> slots_;
  Array<PortCopy> inputs_;
  Array<PortCopy> outputs_;
  std::size_t arena_bytes_ = 0;
  std::int64_t work_ = 0;
  int parts_ = 1;
};

}  // namespace intaglio
