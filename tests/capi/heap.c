/* Runs networks and counts calls to the heap: none between opening and closing a model whose context lies in memory of
 * the caller, and none at all where the model has an allocator.
 *
 * heap threads (network inputs outputs)...: inputs are the arrays of all inputs end to end; outputs are written so. */
#include <stdint.h>

#include "checks.h"

/* The C library's own functions, which those below stand in front of. */
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void* memory);

static volatile long heap_calls;

static void count_call(void) { __atomic_fetch_add(&heap_calls, 1, __ATOMIC_RELAXED); }

void* malloc(size_t bytes) {
  count_call();
  return __libc_malloc(bytes);
}

void* calloc(size_t count, size_t bytes) {
  count_call();
  return __libc_calloc(count, bytes);
}

void* realloc(void* memory, size_t bytes) {
  count_call();
  return __libc_realloc(memory, bytes);
}

void* aligned_alloc(size_t alignment, size_t bytes) {
  count_call();
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  count_call();
  *memory = __libc_memalign(alignment, bytes);
  return *memory == NULL ? 12 : 0;
}

void free(void* memory) {
  count_call();
  __libc_free(memory);
}

static long own_calls;

static void* own_allocate(void* user, size_t bytes, size_t alignment) {
  (void)user;
  ++own_calls;
  return __libc_memalign(alignment, bytes);
}

static void own_release(void* user, void* memory, size_t bytes) {
  (void)user, (void)bytes;
  __libc_free(memory);
}

/* The arrays of all ports end to end; `data` of each is aligned. */
static size_t port_bytes(const intaglio_model* model, size_t count,
                         const intaglio_port* (*port)(const intaglio_model*, size_t)) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += port(model, i)->bytes;
  return bytes;
}

static void run_network(int threads, const char* path, const char* input_path, const char* output_path) {
  const intaglio_allocator allocator = {own_allocate, own_release, NULL};
  intaglio_options options = INTAGLIO_OPTIONS_INIT;
  intaglio_model* model = NULL;
  intaglio_context* context = NULL;
  size_t size, input_size, at = 0;
  unsigned char* const network = read_all(path, &size);
  unsigned char* const given = read_all(input_path, &input_size);

  const long before = heap_calls;
  options.threads = threads;
  options.allocator = &allocator;
  FINE(intaglio_model_open_memory(network, size, &options, &model, &error));
  if (model == NULL) return;
  CHECK(threads > 1 || heap_calls == before); /* starting threads is the C library's work */

  const size_t input_count = intaglio_model_input_count(model), output_count = intaglio_model_output_count(model);
  intaglio_input* const inputs = (intaglio_input*)calloc(input_count + 1, sizeof(*inputs));
  intaglio_output* const outputs = (intaglio_output*)calloc(output_count + 1, sizeof(*outputs));
  void* const memory = aligned_alloc(INTAGLIO_ALIGNMENT, intaglio_context_bytes(model));
  CHECK(input_size == port_bytes(model, input_count, intaglio_model_input));
  for (size_t i = 0; i < input_count; ++i) {
    inputs[i].bytes = intaglio_model_input(model, i)->bytes;
    inputs[i].data = memcpy(malloc(inputs[i].bytes + 1), given + at, inputs[i].bytes);
    at += inputs[i].bytes;
  }
  for (size_t i = 0; i < output_count; ++i) {
    outputs[i].bytes = intaglio_model_output(model, i)->bytes;
    outputs[i].data = malloc(outputs[i].bytes + 1);
  }

  const long opened = heap_calls, own_opened = own_calls;
  FINE(intaglio_context_place(model, memory, intaglio_context_bytes(model), &context, &error));
  for (int i = 0; i < 3; ++i) {
    FINE(intaglio_context_run(context, inputs, input_count, outputs, output_count, &error));
  }
  FINE(intaglio_context_close(context, &error));
  CHECK(heap_calls == opened && own_calls == own_opened);

  FILE* const file = fopen(output_path, "wb");
  if (file == NULL) exit(2);
  for (size_t i = 0; i < output_count; ++i)
    CHECK(fwrite(outputs[i].data, 1, outputs[i].bytes, file) == outputs[i].bytes);
  fclose(file);
  const long used = heap_calls;
  intaglio_model_close(model);
  CHECK(heap_calls == used && own_calls > 0);

  for (size_t i = 0; i < input_count; ++i) free((void*)(uintptr_t)inputs[i].data);
  for (size_t i = 0; i < output_count; ++i) free(outputs[i].data);
  free(inputs);
  free(outputs);
  free(memory);
  free(given);
  free(network);
}

int main(int argc, char** argv) {
  const long before = heap_calls;
  free(malloc(1));
  CHECK(heap_calls == before + 2); /* the count counts */
  if (argc < 2 || argc % 3 != 2) return 2;
  for (int i = 2; i < argc; i += 3) run_network(atoi(argv[1]), argv[i], argv[i + 1], argv[i + 2]);
  return failures != 0;
}
