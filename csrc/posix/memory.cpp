#include "base/memory.h"

#include <sys/mman.h>

#include <cstdlib>

#include "base/checked.h"

namespace intaglio {
namespace {

class SystemAllocator final : public Allocator {
 public:
  void* allocate(std::size_t bytes) noexcept override {
    const std::size_t alignment = bytes < kHugePage ? kAlignment : kHugePage;
    std::size_t rounded = 0;
    if (!checked_align(bytes, alignment, rounded)) return nullptr;
    void* const memory = std::aligned_alloc(alignment, rounded);
#ifdef MADV_HUGEPAGE
    // Whole pages of it only: the rest would take 2 MiB of memory for less. A system without them refuses, and no harm.
    if (memory != nullptr && bytes >= kHugePage) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
    return memory;
  }
  void release(void* memory, std::size_t) noexcept override { std::free(memory); }
  bool on_demand() const noexcept override { return true; }
};

constinit SystemAllocator allocator;

}  // namespace

Allocator& system_allocator() { return allocator; }

}  // namespace intaglio
