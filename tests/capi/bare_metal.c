/* A build for machines without operating system: no files, no memory but the caller's, one thread whatever one asks for. */
#include "checks.h"

static void* own_allocate(void* user, size_t bytes, size_t alignment) {
  (void)user;
  return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void own_release(void* user, void* memory, size_t bytes) {
  (void)user, (void)bytes;
  free(memory);
}

int main(int argc, char** argv) {
  const intaglio_allocator allocator = {own_allocate, own_release, NULL};
  intaglio_options options = INTAGLIO_OPTIONS_INIT;
  intaglio_model* model = NULL;
  intaglio_context* context = NULL;
  if (argc != 2) return 2;
  size_t size;
  unsigned char* const network = read_all(argv[1], &size);

  EXPECT(intaglio_model_open_memory(network, size, NULL, &model, &error), INTAGLIO_OUT_OF_MEMORY, "no memory");
  options.allocator = &allocator;
  EXPECT(intaglio_model_open_file(argv[1], &options, &model, &error), INTAGLIO_IO, "without files");
  options.threads = 2;
  FINE(intaglio_model_open_memory(network, size, &options, &model, &error));
  FINE(intaglio_context_create(model, &context, &error));
  FINE(intaglio_context_close(context, &error));
  intaglio_model_close(model);
  free(network);
  return failures != 0;
}
