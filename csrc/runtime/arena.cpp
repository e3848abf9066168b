#include "runtime/arena.h"

#include <algorithm>

#include "base/checked.h"
#include "base/list.h"

namespace intaglio {
namespace {

constexpr int kMaxArenaBits = sizeof(void*) == 4 ? 30 : 40;
constexpr std::size_t kMaxArena = std::size_t{1} << kMaxArenaBits;

bool overlap(const Buffer& a, const Buffer& b) { return a.first <= b.last && b.first <= a.last; }

// The lowest offset at which `buffer` fits between `placed`, which is sorted by offset.
std::size_t lowest_offset(const Buffer& buffer, std::span<const Buffer* const> placed) {
  std::size_t offset = 0;
  for (const Buffer* other : placed) {
    if (!overlap(buffer, *other)) continue;
    if (other->offset >= offset && other->offset - offset >= buffer.bytes) break;
    offset = std::max(offset, align_up(other->offset + other->bytes));
  }
  return offset;
}

}  // namespace

Result<std::size_t> place(std::span<Buffer> buffers, Allocator& allocator) {
  const Status no_memory = Status::error(Code::kOutOfMemory, "no memory for the plan's tables");
  Array<Buffer*> by_size(allocator, buffers.size());
  List<const Buffer*> placed(allocator);
  if (!by_size.ok()) return no_memory;
  for (std::size_t i = 0; i < buffers.size(); ++i) by_size[i] = &buffers[i];
  std::sort(by_size.begin(), by_size.end(),
            [](const Buffer* a, const Buffer* b) { return a->bytes != b->bytes ? a->bytes > b->bytes : a < b; });
  const auto before = [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; };
  std::size_t arena = 0;
  for (Buffer* buffer : by_size) {
    if (buffer->bytes == 0) break;
    buffer->offset = lowest_offset(*buffer, placed);
    std::size_t end = 0;
    if (!checked_add(buffer->offset, buffer->bytes, end) || end > kMaxArena) {
      return Status::error(Code::kOutOfMemory, "the model's activations need more than 2^%d bytes", kMaxArenaBits);
    }
    arena = std::max(arena, end);
    if (!placed.push(buffer)) return no_memory;
    std::rotate(std::upper_bound(placed.begin(), placed.end() - 1, placed.end()[-1], before), placed.end() - 1,
                placed.end());
  }
  return align_up(arena);
}

}  // namespace intaglio
