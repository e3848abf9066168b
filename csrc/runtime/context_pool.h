// Contexts for callers who bring none: made as runs need them, and kept.
#pragma once

#include <cstddef>
#include <span>

#include "base/memory.h"
#include "base/status.h"
#include "runtime/engine.h"

namespace intaglio {

// Of a loaded engine; any number of threads may run it at once.
class ContextPool {
 public:
  ContextPool(const Engine& engine, Allocator& allocator) : engine_(engine), allocator_(allocator) {}
  ~ContextPool();
  ContextPool(const ContextPool&) = delete;
  ContextPool& operator=(const ContextPool&) = delete;

  // As Engine's. Allocate nothing once as many runs have been active at the same time as now.
  Status run(const Batch& batch);
  Status profile(const std::byte* const* inputs, Clock clock, std::span<std::int64_t> nanoseconds);

 private:
  // Takes as many contexts as `taken` has room for; on failure none.
  Status take(std::span<std::byte*> taken);
  void give_back(std::span<std::byte* const> taken);
  std::byte* make_context();
  // Behind each context lies the link to the next free one.
  std::byte*& next(std::byte* context) const;
  std::size_t block_bytes() const { return engine_.context_bytes() + kAlignment; }

  const Engine& engine_;
  Allocator& allocator_;
  std::byte* free_ = nullptr;  // guarded by ProcessLock
};

}  // namespace intaglio
