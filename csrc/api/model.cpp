// Opening and closing models, and what they say of themselves.
#include <cstring>
#include <new>

#include "api/file.h"
#include "api/handles.h"
#include "api/options.h"
#include "api/ports.h"
#include "api/report.h"
#include "runtime/thread_pool.h"

namespace intaglio::api {
namespace {

static_assert(kAlignment == INTAGLIO_ALIGNMENT);

// The engine reads a file's integers in place.
constexpr std::size_t kFileAlignment = alignof(std::uint64_t);

using Bytes = Array<Uninitialized>;

std::span<const std::byte> view(const Bytes& bytes) {
  return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
}

Status load(intaglio_model& model, std::span<const std::byte> file, FileLife life, const intaglio_options& options) {
  const Result<Isa> isa = choose_isa(options.tier != nullptr ? options.tier : "");
  if (!isa.ok()) return isa.status();
  INTAGLIO_TRY(model.engine.load(file, {}, life, isa.value(), options.threads));
  INTAGLIO_TRY(describe_ports(model));
  if (model.engine.plan().parts() > 1) start_workers(model.engine.threads() - 1);
  return {};
}

Status load_path(intaglio_model& model, const char* path, const intaglio_options& options) {
  if (path == nullptr) return Status::error(Code::kInvalidArgument, "the path is NULL");
  Bytes file;
  INTAGLIO_TRY(read_file(path, model.allocator, file));
  return load(model, view(file), FileLife::kLoad, options);
}

Status load_bytes(intaglio_model& model, std::span<const std::byte> file, const intaglio_options& options) {
  if (file.data() == nullptr) return Status::error(Code::kInvalidArgument, "the bytes are NULL");
  const bool borrow = (options.flags & INTAGLIO_BORROW) != 0;
  if (reinterpret_cast<std::uintptr_t>(file.data()) % kFileAlignment == 0) {
    return load(model, file, borrow ? FileLife::kEngine : FileLife::kLoad, options);
  }
  if (borrow) {
    return Status::error(Code::kMisaligned, "bytes to borrow must begin at a multiple of %zu, got %p", kFileAlignment,
                         static_cast<const void*>(file.data()));
  }
  Bytes copy(model.allocator, file.size());
  if (!copy.ok()) return Status::error(Code::kOutOfMemory, "no memory for a copy of %zu bytes", file.size());
  std::memcpy(static_cast<void*>(copy.data()), file.data(), file.size());
  return load(model, view(copy), FileLife::kLoad, options);
}

// Makes a model, which load_it(model, options) loads.
template <class Load>
Status open(const intaglio_options* given, intaglio_model** place, const Load& load_it) {
  if (place == nullptr) return Status::error(Code::kInvalidArgument, "the place for the model is NULL");
  *place = nullptr;
  const Result<intaglio_options> options = read_options(given);
  if (!options.ok()) return options.status();
  CallerAllocator allocator(*options.value().allocator);
  void* const memory = allocator.allocate(sizeof(intaglio_model));
  if (memory == nullptr) return allocator.explain(Status::error(Code::kOutOfMemory, "no memory for a model"));
  auto* const model = new (memory) intaglio_model(allocator.functions());
  const Status status = model->allocator.explain(load_it(*model, options.value()));
  if (status.ok()) {
    *place = model;
  } else {
    release(model);
  }
  return status;
}

}  // namespace

void release(intaglio_model* model) {
  if (model->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  CallerAllocator allocator(model->allocator.functions());
  model->mark.store(Mark::kNone, std::memory_order_release);
  model->~intaglio_model();
  allocator.release(model, sizeof(intaglio_model));
}

}  // namespace intaglio::api

using namespace intaglio;
using namespace intaglio::api;

intaglio_status intaglio_model_open_file(const char* path, const intaglio_options* options, intaglio_model** model,
                                         intaglio_error* error) noexcept {
  return report(error, open(options, model, [path](intaglio_model& opened, const intaglio_options& used) {
                  return load_path(opened, path, used);
                }));
}

intaglio_status intaglio_model_open_memory(const void* bytes, size_t size, const intaglio_options* options,
                                           intaglio_model** model, intaglio_error* error) noexcept {
  const std::span<const std::byte> file(static_cast<const std::byte*>(bytes), size);
  return report(error, open(options, model, [file](intaglio_model& opened, const intaglio_options& used) {
                  return load_bytes(opened, file, used);
                }));
}

void intaglio_model_close(intaglio_model* model) noexcept {
  if (!is_open(model)) return;
  model->mark.store(Mark::kClosedModel, std::memory_order_release);
  release(model);
}

const char* intaglio_model_tier(const intaglio_model* model) noexcept {
  return is_open(model) ? isa_name(model->engine.isa()) : nullptr;
}

int32_t intaglio_model_threads(const intaglio_model* model) noexcept {
  return is_open(model) ? model->engine.threads() : 0;
}

size_t intaglio_model_arena_bytes(const intaglio_model* model) noexcept {
  return is_open(model) ? model->engine.plan().arena_bytes() : 0;
}

size_t intaglio_model_constant_bytes(const intaglio_model* model) noexcept {
  return is_open(model) ? model->engine.plan().constant_bytes() : 0;
}
