// Memory handed out piece by piece and given back all at once.
#pragma once

#include <cstddef>

#include "base/memory.h"

namespace intaglio {

class Bump {
 public:
  explicit Bump(Allocator& allocator) : allocator_(allocator) {}
  ~Bump();
  Bump(const Bump&) = delete;
  Bump& operator=(const Bump&) = delete;

  // kAlignment-aligned zeroed memory with kSlack readable bytes after it, or nullptr.
  void* allocate(std::size_t bytes);
  // Memory taken from the allocator; of memory on demand, what has been handed out.
  std::size_t bytes() const { return bytes_ - (allocator_.on_demand() ? free_bytes_ : 0); }

 private:
  struct Chunk {
    Chunk* next;
    std::size_t bytes;
  };

  bool pools() const;
  Chunk* take(std::size_t bytes);

  Allocator& allocator_;
  Chunk* chunks_ = nullptr;
  std::byte* free_ = nullptr;
  std::size_t free_bytes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace intaglio
