#include "base/memory.h"

#include <cstdlib>

#include "base/checked.h"

namespace intaglio {
namespace {

class SystemAllocator final : public Allocator {
 public:
  void* allocate(std::size_t bytes) noexcept override {
    std::size_t rounded = 0;
    if (!checked_align(bytes, kAlignment, rounded)) return nullptr;
    return std::aligned_alloc(kAlignment, rounded);
  }
  void release(void* memory, std::size_t) noexcept override { std::free(memory); }
};

constinit SystemAllocator allocator;

}  // namespace

Allocator& system_allocator() { return allocator; }

}  // namespace intaglio
