#include "runtime/context_pool.h"

#include "runtime/process.h"

namespace intaglio {

ContextPool::~ContextPool() {
  while (free_ != nullptr) {
    std::byte* const context = free_;
    free_ = next(context);
    allocator_.release(context, block_bytes());
  }
}

Status ContextPool::run(const Batch& batch) {
  if (batch.samples == 0) return {};
  std::byte* contexts[kMaxThreads];
  const std::span<std::byte*> taken(contexts, static_cast<std::size_t>(engine_.useful_contexts(batch.samples)));
  INTAGLIO_TRY(take(taken));
  const Status outcome = engine_.run(batch, taken);
  give_back(taken);
  return outcome;
}

Status ContextPool::profile(const std::byte* const* inputs, Clock clock, std::span<std::int64_t> nanoseconds) {
  std::byte* context = nullptr;
  INTAGLIO_TRY(take({&context, 1}));
  engine_.profile(inputs, context, clock, nanoseconds);
  give_back({&context, 1});
  return {};
}

Status ContextPool::take(std::span<std::byte*> taken) {
  std::size_t have = 0;
  {
    const ProcessLock lock;
    for (; have < taken.size() && free_ != nullptr; ++have) {
      taken[have] = free_;
      free_ = next(free_);
    }
  }
  for (; have < taken.size(); ++have) {
    taken[have] = make_context();
    if (taken[have] == nullptr) {
      give_back(taken.first(have));
      return Status::error(Code::kOutOfMemory, "no memory for a context of %zu bytes", block_bytes());
    }
  }
  return {};
}

void ContextPool::give_back(std::span<std::byte* const> taken) {
  const ProcessLock lock;
  for (std::byte* const context : taken) {
    next(context) = free_;
    free_ = context;
  }
}

std::byte* ContextPool::make_context() {
  auto* const context = static_cast<std::byte*>(allocator_.allocate(block_bytes()));
  if (context != nullptr) engine_.prepare_context(context);
  return context;
}

std::byte*& ContextPool::next(std::byte* context) const {
  return *reinterpret_cast<std::byte**>(context + engine_.context_bytes());
}

}  // namespace intaglio
