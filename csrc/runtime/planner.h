// What an op's prepare() is given: the model, the kernels of this CPU's tier, memory to plan with, and a place to put
// the steps that run the op.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include "base/memory.h"
#include "base/status.h"
#include "kernels/gemm.h"
#include "kernels/registry.h"
#include "model/model.h"

namespace intaglio {

// int8 activations lie in the arena as uint8 = int8 ^ 0x80 (value + 128), which is what vpdpbusd takes; every zero
// point, clamp bound, table index and padding value a kernel sees is shifted by 128 likewise.
inline constexpr std::int32_t kStorageOffset = 128;

// Names a piece of memory; each context has its own address for it.
struct Slot {
  std::uint32_t index = 0;
};

// The addresses of one context.
class Memory {
 public:
  explicit Memory(std::byte* const* slots) : slots_(slots) {}
  template <class T>
  T* at(Slot slot) const {
    return reinterpret_cast<T*>(slots_[slot.index]);
  }

 private:
  std::byte* const* slots_;
};

// Memory of each part of a step.
struct PartSlots {
  std::uint32_t first = 0;
  Slot of(int part) const { return {first + static_cast<std::uint32_t>(part)}; }
};

// Runs part `part` of `parts` of a step: parts may run at the same time on different threads, in any order.
using StepFunction = void (*)(const void* arguments, const Memory& memory, int part, int parts);

// What a step found out about numbers it was given by other nodes or the caller: whether all lie in [low, high].
struct Verdict {
  bool inside;
  std::int64_t value, low, high;  // value: one that does not
};

struct Step {
  StepFunction run = nullptr;
  const void* arguments = nullptr;  // lives as long as the plan
  int parts = 1;                    // at most Planner::threads()
  const char* kernel = "";          // name of the kernel, for people
  const char* reason = "";          // why this kernel, for people; may be empty
  std::int64_t macs = 0;            // multiply-accumulates of the whole step
  const Fetch* reads = nullptr;     // constants that each thread's part reads first; live as long as the plan
  const Fetch** fetches = nullptr;  // where it looks for those of the next step, if it can fetch them
  std::uint32_t node = 0;           // filled in by the planner
};

// The elements [begin, end) of `count` that part `part` of `parts` does.
struct Range {
  std::int64_t begin, end;
};
constexpr Range split(std::int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

// Multiply-accumulates that a part must be worth for its hand-off, and data that changes caches, not to show: some 2
// microseconds of a vector unit.
inline constexpr std::int64_t kWorkPerPart = std::int64_t{1} << 20;

// What a byte that another part wrote or will read costs, in multiply-accumulates: it changes caches. Measured between
// cores that do not share one.
inline constexpr std::int64_t kForeignByteCost = 20;

class Planner {
 public:
  virtual const Model& model() const = 0;
  virtual const Kernels& kernels() const = 0;
  virtual int threads() const = 0;
  // Whether the file outlives the plan, which may then refer to constants where they are.
  virtual bool file_stays() const = 0;

  // The memory of a tensor. A constant int8 tensor is given in storage form (^ 0x80); weights and tables are better
  // read from Tensor::values() while preparing. Nothing of the file may be kept unless it stays.
  virtual Slot tensor(std::int64_t id) = 0;
  // Memory that holds nothing before and after the node being prepared; followed by kSlack readable bytes.
  virtual Slot scratch(std::uint64_t bytes) = 0;
  // The same for each of a step's parts. Where there are several, nothing else ever lies there but other steps' scratch
  // of the same part, so that it stays in that core's caches, and each request gets the same memory.
  virtual PartSlots part_scratch(std::uint64_t bytes, int parts) = 0;
  // Memory of a Verdict that a step of the node writes in every run; one that is not `inside` makes the run an error.
  virtual Slot verdict() = 0;
  // Makes `output` the same memory as `input` (both whole tensors of the same bytes): the op then needs no step. False
  // where that cannot be (a graph input, output or constant): the op must copy.
  virtual bool alias(std::int64_t output, std::int64_t input) = 0;
  // kAlignment-aligned zeroed memory that lives as long as the plan and has kSlack readable bytes after it; nullptr
  // when there is none.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual Status emit(const Step& step) = 0;

  template <class T>
  T* make(std::size_t count = 1) {
    void* memory = allocate(count * sizeof(T));
    if (memory == nullptr) return nullptr;
    T* first = static_cast<T*>(memory);
    for (std::size_t i = 0; i < count; ++i) new (first + i) T();
    return first;
  }

  // The elements of a constant for as long as the plan, without slack: where they are if the file stays, else a copy.
  // nullptr when there is no memory.
  template <class T>
  const T* keep(std::span<const T> values) {
    if (file_stays()) return values.data();
    T* copy = make<T>(values.size());
    if (copy != nullptr) std::copy(values.begin(), values.end(), copy);
    return copy;
  }

  // How many parts work of this size is worth splitting into: 1 below twice kWorkPerPart.
  int parts_for(std::int64_t macs) const;

 protected:
  ~Planner() = default;
};

// "node 'conv1' (conv2d): " and the rest, as an error.
__attribute__((cold, format(printf, 3, 4))) Status node_error(Code code, const Node& node, const char* format, ...);
__attribute__((cold)) Status out_of_memory(const Node& node);

// prepare_<op>: checks everything about the node that docs/arithmetic.md says, then emits its steps. Runs once: better
// small than fast.
#define OP(code, name, family) __attribute__((cold)) Status prepare_##name(const Node& node, Planner& planner);
#include "ops/ops.inc"
#undef OP

}  // namespace intaglio
