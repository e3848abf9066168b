// What the handles of the C API are.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "api/options.h"
#include "base/memory.h"
#include "base/status.h"
#include "intaglio/intaglio.h"
#include "runtime/engine.h"

namespace intaglio::api {

// Memory from the caller's functions.
class CallerAllocator final : public Allocator {
 public:
  explicit CallerAllocator(const intaglio_allocator& functions) : functions_(functions) {}

  void* allocate(std::size_t bytes) noexcept override {
    void* const memory = functions_.allocate(functions_.user, bytes, kAlignment);
    if (memory == nullptr || reinterpret_cast<std::uintptr_t>(memory) % kAlignment == 0) return memory;
    functions_.release(functions_.user, memory, bytes);
    misaligned_.store(true, std::memory_order_relaxed);
    return nullptr;
  }
  void release(void* memory, std::size_t bytes) noexcept override {
    functions_.release(functions_.user, memory, bytes);
  }
  bool on_demand() const noexcept override { return takes_from_system(functions_) && system_allocator().on_demand(); }

  const intaglio_allocator& functions() const { return functions_; }
  // `status`, or what is behind it: that there is no memory because what there was began at a wrong address.
  Status explain(const Status& status) const {
    if (status.code() != Code::kOutOfMemory || !misaligned_.load(std::memory_order_relaxed)) return status;
    return Status::error(Code::kMisaligned, "memory of the allocator must begin at multiples of %zu", kAlignment);
  }

 private:
  const intaglio_allocator functions_;
  std::atomic<bool> misaligned_{false};
};

// What a handle points to begins with one of these: a handle that never was, or is no more, is told apart wherever its
// memory still says so.
enum class Mark : std::uint32_t { kNone = 0, kModel = 0x4C444D49, kClosedModel = 0x444C4349, kContext = 0x58544349 };

}  // namespace intaglio::api

struct intaglio_model {
  explicit intaglio_model(const intaglio_allocator& functions) : allocator(functions), engine(allocator) {}

  std::atomic<intaglio::api::Mark> mark{intaglio::api::Mark::kModel};
  std::atomic<std::uint32_t> references{1};  // the handle and the contexts
  intaglio::api::CallerAllocator allocator;
  intaglio::Engine engine;
  intaglio::Array<char> names;           // of the ports, each ends in NUL
  intaglio::Array<intaglio_port> ports;  // inputs, then outputs
};

// Followed by the engine's context, and that by the addresses of a run's inputs and outputs.
struct alignas(intaglio::kAlignment) intaglio_context {
  std::atomic<intaglio::api::Mark> mark{intaglio::api::Mark::kContext};
  std::atomic<bool> busy{false};
  bool placed = false;  // in memory of the caller
  intaglio_model* model = nullptr;
};

namespace intaglio::api {

inline bool is_open(const intaglio_model* model) {
  return model != nullptr && model->mark.load(std::memory_order_acquire) == Mark::kModel;
}

// Gives up one reference; with the last one the model goes.
void release(intaglio_model* model);

}  // namespace intaglio::api
