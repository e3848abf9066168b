// Contexts: made, run and closed.
#include <cstring>
#include <new>

#include "api/handles.h"
#include "api/report.h"

namespace intaglio::api {
namespace {

static_assert(sizeof(intaglio_context) == kAlignment);

constexpr const char* kNoModel = "the model is NULL or was closed";

bool aligned(const void* memory, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(memory) % alignment == 0;
}

std::size_t context_bytes(const intaglio_model& model) {
  return sizeof(intaglio_context) + model.engine.context_bytes() + align_up(model.ports.size() * sizeof(std::byte*));
}

// The parts of the memory that begins with the header.
std::byte* arena(intaglio_context* context) { return reinterpret_cast<std::byte*>(context) + sizeof(intaglio_context); }
std::byte** addresses(intaglio_context* context) {
  return reinterpret_cast<std::byte**>(arena(context) + context->model->engine.context_bytes());
}

intaglio_context* make(intaglio_model* model, void* memory, bool placed) {
  auto* const context = new (memory) intaglio_context;
  context->placed = placed;
  context->model = model;
  model->references.fetch_add(1, std::memory_order_relaxed);
  model->engine.prepare_context(arena(context));
  return context;
}

Status place(intaglio_model* model, void* memory, std::size_t bytes, intaglio_context** context) {
  if (context == nullptr) return Status::error(Code::kInvalidArgument, "the place for the context is NULL");
  *context = nullptr;
  if (!is_open(model)) return Status::error(Code::kInvalidArgument, kNoModel);
  if (memory == nullptr) return Status::error(Code::kInvalidArgument, "the memory for the context is NULL");
  if (!aligned(memory, kAlignment)) {
    return Status::error(Code::kMisaligned, "memory for a context must begin at a multiple of %zu, got %p", kAlignment,
                         memory);
  }
  if (bytes < context_bytes(*model)) {
    return Status::error(Code::kTooSmall, "a context of this model needs %zu bytes, got %zu", context_bytes(*model),
                         bytes);
  }
  *context = make(model, memory, true);
  return {};
}

Status create(intaglio_model* model, intaglio_context** context) {
  if (context == nullptr) return Status::error(Code::kInvalidArgument, "the place for the context is NULL");
  *context = nullptr;
  if (!is_open(model)) return Status::error(Code::kInvalidArgument, kNoModel);
  void* const memory = model->allocator.allocate(context_bytes(*model));
  if (memory == nullptr) {
    return model->allocator.explain(
        Status::error(Code::kOutOfMemory, "no memory for a context of %zu bytes", context_bytes(*model)));
  }
  *context = make(model, memory, false);
  return {};
}

std::size_t alignment_of(intaglio_dtype dtype) { return size_of(static_cast<DType>(dtype)); }

// Of one input or output.
Status check(const intaglio_port& port, const char* kind, const void* data, std::size_t bytes) {
  if (data == nullptr && port.bytes > 0) {
    return Status::error(Code::kInvalidArgument, "%s '%.100s': its buffer is NULL", kind, port.name);
  }
  if (bytes < port.bytes) {
    return Status::error(Code::kTooSmall, "%s '%.100s': its buffer needs %zu bytes, got %zu", kind, port.name,
                         port.bytes, bytes);
  }
  if (!aligned(data, alignment_of(port.dtype))) {
    return Status::error(Code::kMisaligned, "%s '%.100s': its buffer must begin at a multiple of %zu, got %p", kind,
                         port.name, alignment_of(port.dtype), data);
  }
  return {};
}

Status check_count(const char* kind, const void* buffers, std::size_t count, std::size_t expected) {
  if (count != expected) {
    return Status::error(Code::kInvalidArgument, "the model has %zu %ss, got %zu", expected, kind, count);
  }
  if (count > 0 && buffers == nullptr) return Status::error(Code::kInvalidArgument, "the %ss are NULL", kind);
  return {};
}

// Of a context that no other thread has.
Status run(intaglio_context* context, std::span<const intaglio_input> inputs,
           std::span<const intaglio_output> outputs) {
  const intaglio_model& model = *context->model;
  if (!is_open(&model)) {
    return Status::error(Code::kClosed, "the model of this context was closed: close a model after its last run");
  }
  const std::size_t input_count = model.engine.model().inputs.size();
  INTAGLIO_TRY(check_count("input", inputs.data(), inputs.size(), input_count));
  INTAGLIO_TRY(check_count("output", outputs.data(), outputs.size(), model.ports.size() - input_count));
  std::byte** const all = addresses(context);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    INTAGLIO_TRY(check(model.ports[i], "input", inputs[i].data, inputs[i].bytes));
    all[i] = static_cast<std::byte*>(const_cast<void*>(inputs[i].data));  // the engine only reads inputs
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    INTAGLIO_TRY(check(model.ports[input_count + i], "output", outputs[i].data, outputs[i].bytes));
    all[input_count + i] = static_cast<std::byte*>(outputs[i].data);
  }
  std::byte* const place = arena(context);
  return model.engine.run({.inputs = all, .outputs = all + input_count}, {&place, 1});
}

bool is_context(const intaglio_context* context) {
  return context != nullptr && aligned(context, kAlignment) &&
         context->mark.load(std::memory_order_acquire) == Mark::kContext;
}

// Takes the context for the calling thread.
Status take(intaglio_context* context) {
  if (!is_context(context)) return Status::error(Code::kInvalidArgument, "the context is NULL or was closed");
  if (!context->busy.exchange(true, std::memory_order_acquire)) return {};
  return Status::error(Code::kBusy, "another thread is using this context: threads that run at once need one each");
}

}  // namespace
}  // namespace intaglio::api

using namespace intaglio;
using namespace intaglio::api;

size_t intaglio_context_bytes(const intaglio_model* model) noexcept {
  return is_open(model) ? context_bytes(*model) : 0;
}

intaglio_status intaglio_context_place(intaglio_model* model, void* memory, size_t bytes, intaglio_context** context,
                                       intaglio_error* error) noexcept {
  return report(error, place(model, memory, bytes, context));
}

intaglio_status intaglio_context_create(intaglio_model* model, intaglio_context** context,
                                        intaglio_error* error) noexcept {
  return report(error, create(model, context));
}

intaglio_status intaglio_context_run(intaglio_context* context, const intaglio_input* inputs, size_t input_count,
                                     const intaglio_output* outputs, size_t output_count,
                                     intaglio_error* error) noexcept {
  if (const Status status = take(context); !status.ok()) return report(error, status);
  const Status status = run(context, {inputs, input_count}, {outputs, output_count});
  context->busy.store(false, std::memory_order_release);
  return report(error, status);
}

intaglio_status intaglio_context_close(intaglio_context* context, intaglio_error* error) noexcept {
  if (context == nullptr) return report(error, {});
  if (const Status status = take(context); !status.ok()) return report(error, status);
  intaglio_model* const model = context->model;
  const bool placed = context->placed;
  context->mark.store(Mark::kNone, std::memory_order_release);
  context->~intaglio_context();
  if (!placed) model->allocator.release(context, context_bytes(*model));
  release(model);
  return report(error, {});
}
