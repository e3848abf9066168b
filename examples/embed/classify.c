/* Reads a handwritten digit from a picture: classify picture.pgm
 *
 * The network is in the program (digits.c, made by `intaglio export`), and the program never touches the heap: the
 * model lives in one static region, the context in another. */
#include <intaglio/intaglio.h>
#include <stdio.h>

#include "digits.h"

enum { SIDE = 8, CLASSES = 10 };

/* Gives memory from a static region and never takes it back. */
typedef struct region {
  unsigned char* memory;
  size_t bytes, used;
} region;

static void* region_allocate(void* user, size_t bytes, size_t alignment) {
  region* r = user;
  size_t start = (r->used + alignment - 1) / alignment * alignment;
  if (start > r->bytes || bytes > r->bytes - start) return NULL;
  r->used = start + bytes;
  return r->memory + start;
}

static void region_release(void* user, void* memory, size_t bytes) {
  (void)user;
  (void)memory;
  (void)bytes;
}

static _Alignas(INTAGLIO_ALIGNMENT) unsigned char model_memory[768 * 1024];
static _Alignas(INTAGLIO_ALIGNMENT) unsigned char context_memory[32 * 1024];

/* A plain PGM file ("P2": numbers in text) of 8 by 8 pixels, 0 to 16, ink bright. */
static int read_picture(const char* path, unsigned char pixels[SIDE * SIDE]) {
  int width = 0, height = 0, most = 0, fine;
  FILE* file = fopen(path, "r");
  if (file == NULL) return 0;
  fine = fscanf(file, "P2 %d %d %d", &width, &height, &most) == 3 && width == SIDE && height == SIDE && most == 16;
  for (int i = 0; fine && i < SIDE * SIDE; ++i) {
    unsigned value = 0;
    fine = fscanf(file, "%u", &value) == 1 && value <= 16;
    pixels[i] = (unsigned char)value;
  }
  fclose(file);
  return fine;
}

static int failed(const char* what, const intaglio_error* error) {
  fprintf(stderr, "classify: %s: %s\n", what, error->message);
  return 1;
}

int main(int argc, char** argv) {
  unsigned char pixels[SIDE * SIDE];
  signed char logits[CLASSES];
  region model_region = {model_memory, sizeof(model_memory), 0};
  intaglio_allocator allocator = {region_allocate, region_release, &model_region};
  intaglio_options options = INTAGLIO_OPTIONS_INIT;
  intaglio_model* model;
  intaglio_context* context;
  intaglio_error error;
  int best = 0;

  if (argc != 2 || !read_picture(argv[1], pixels)) {
    fprintf(stderr, "usage: classify picture.pgm (8 by 8 pixels, plain format)\n");
    return 2;
  }
  options.flags = INTAGLIO_BORROW; /* the network stays where it is */
  options.allocator = &allocator;
  if (intaglio_model_open_memory(digits, DIGITS_BYTES, &options, &model, &error)) return failed("open", &error);
  if (intaglio_context_place(model, context_memory, sizeof(context_memory), &context, &error)) {
    return failed("context", &error);
  }

  const intaglio_input input = {pixels, sizeof(pixels)};
  const intaglio_output output = {logits, sizeof(logits)};
  if (intaglio_context_run(context, &input, 1, &output, 1, &error)) return failed("run", &error);
  for (int i = 1; i < CLASSES; ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  printf("%d\n", best);

  intaglio_context_close(context, NULL);
  intaglio_model_close(model);
  return 0;
}
