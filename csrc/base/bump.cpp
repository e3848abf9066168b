#include "base/bump.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"

namespace intaglio {
namespace {

constexpr std::size_t kChunkBytes = 4 * 1024;
constexpr std::size_t kLargestPool = std::size_t{64} << 20;

}  // namespace

Bump::~Bump() {
  while (chunks_ != nullptr) {
    Chunk* const next = chunks_->next;
    allocator_.release(chunks_, chunks_->bytes);
    chunks_ = next;
  }
}

void* Bump::allocate(std::size_t bytes) {
  std::size_t needed = 0;
  if (!checked_align(bytes > 0 ? bytes : 1, kAlignment, needed)) return nullptr;
  std::byte* memory = nullptr;
  if (needed > kChunkBytes / 4 && !pools()) {  // a chunk of its own, so that little is lost at the ends of chunks
    Chunk* const chunk = take(needed);
    if (chunk == nullptr) return nullptr;
    memory = reinterpret_cast<std::byte*>(chunk) + kAlignment;
  } else {
    if (needed > free_bytes_) {
      const std::size_t all = pools() ? std::max(needed, std::min(bytes_, kLargestPool)) : kChunkBytes;
      Chunk* const chunk = take(all);
      if (chunk == nullptr) return nullptr;
      if (allocator_.on_demand()) bytes_ -= free_bytes_;
      free_ = reinterpret_cast<std::byte*>(chunk) + kAlignment;
      free_bytes_ = all;
    }
    memory = free_;
    free_ += needed;
    free_bytes_ -= needed;
  }
  std::memset(memory, 0, needed);
  return memory;
}

// Whether large pieces lie side by side, for the sake of huge pages: in chunks that grow with what there is.
bool Bump::pools() const { return allocator_.on_demand() && bytes_ >= kHugePage; }

// What follows a piece is its slack: the next piece, or the end of its chunk.
Bump::Chunk* Bump::take(std::size_t bytes) {
  std::size_t total = 0;
  if (!checked_add(bytes, kAlignment + kSlack, total)) return nullptr;
  void* const memory = allocator_.allocate(total);
  if (memory == nullptr) return nullptr;
  chunks_ = new (memory) Chunk{chunks_, total};
  bytes_ += total;
  return chunks_;
}

}  // namespace intaglio
