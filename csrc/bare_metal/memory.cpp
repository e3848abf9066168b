// Without an operating system there is no memory but what the embedder gives.
#include "base/memory.h"

namespace intaglio {
namespace {

class NoAllocator final : public Allocator {
 public:
  void* allocate(std::size_t) noexcept override { return nullptr; }
  void release(void*, std::size_t) noexcept override {}
};

constinit NoAllocator allocator;

}  // namespace

Allocator& system_allocator() { return allocator; }

}  // namespace intaglio
