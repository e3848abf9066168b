#include "api/options.h"

#include <cinttypes>

#include "base/memory.h"
#include "runtime/thread_pool.h"

namespace intaglio::api {
namespace {

void* allocate_from_system(void*, std::size_t bytes, std::size_t) { return system_allocator().allocate(bytes); }
void release_to_system(void*, void* memory, std::size_t bytes) { system_allocator().release(memory, bytes); }
constexpr intaglio_allocator kSystemFunctions{allocate_from_system, release_to_system, nullptr};

}  // namespace

Result<intaglio_options> read_options(const intaglio_options* given) {
  intaglio_options options = INTAGLIO_OPTIONS_INIT;
  options.allocator = &kSystemFunctions;
  if (given == nullptr) return options;
  if (given->struct_size != sizeof(options)) {
    return Status::error(Code::kInvalidArgument,
                         "options: struct_size must be %zu, as INTAGLIO_OPTIONS_INIT sets it, got %zu", sizeof(options),
                         given->struct_size);
  }
  options = *given;
  if (options.allocator == nullptr) options.allocator = &kSystemFunctions;
  if (options.allocator->allocate == nullptr || options.allocator->release == nullptr) {
    return Status::error(Code::kInvalidArgument, "options: an allocator needs both allocate and release");
  }
  if (options.threads < 1 || options.threads > kMaxThreads) {
    return Status::error(Code::kInvalidArgument, "options: threads must be 1 to %d, got %" PRId32, kMaxThreads,
                         options.threads);
  }
  if ((options.flags & ~INTAGLIO_BORROW) != 0) {
    return Status::error(Code::kInvalidArgument, "options: flags must be 0 or INTAGLIO_BORROW, got 0x%" PRIx32,
                         options.flags);
  }
  return options;
}

bool takes_from_system(const intaglio_allocator& functions) { return functions.allocate == allocate_from_system; }

}  // namespace intaglio::api
