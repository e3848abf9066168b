// Where each activation lies in the arena: buffers that are alive at the same time do not overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/memory.h"
#include "base/status.h"

namespace intaglio {

struct Buffer {
  std::size_t bytes = 0;
  // The first and last node at which it is alive.
  std::uint32_t first = 0, last = 0;
  std::size_t offset = 0;  // the answer, a multiple of kAlignment
};

// Largest first, each at the lowest offset that is free for its whole life. Returns the size of the arena.
Result<std::size_t> place(std::span<Buffer> buffers, Allocator& allocator);

}  // namespace intaglio
