/* Runs a network from flash on a few samples; prints the class of each, a hash of all outputs, and the memory it took. */
#include <intaglio/intaglio.h>
#include <stdint.h>

#include "network.h"
#include "semihosting.h"

enum { SAMPLES = 4 };

static _Alignas(INTAGLIO_ALIGNMENT) unsigned char model_memory[MODEL_BYTES];
static _Alignas(INTAGLIO_ALIGNMENT) unsigned char context_memory[CONTEXT_BYTES];

/* Memory in one piece, handed out front to back. What was handed out last can be taken back. */
typedef struct region {
  unsigned char* memory;
  size_t bytes, used, most;
} region;

static size_t rounded(size_t bytes) { return (bytes + INTAGLIO_ALIGNMENT - 1) & ~(size_t)(INTAGLIO_ALIGNMENT - 1); }

static void* region_allocate(void* user, size_t bytes, size_t alignment) {
  region* const from = user;
  (void)alignment;
  if (rounded(bytes) < bytes || rounded(bytes) > from->bytes - from->used) return NULL;
  from->used += rounded(bytes);
  if (from->used > from->most) from->most = from->used;
  return from->memory + from->used - rounded(bytes);
}

static void region_release(void* user, void* memory, size_t bytes) {
  region* const from = user;
  if ((unsigned char*)memory + rounded(bytes) == from->memory + from->used) from->used -= rounded(bytes);
}

/* Stands for what a microphone would give: the high bytes of a sequence that is the same everywhere. */
static void make_sample(uint32_t* state, unsigned char* sample, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    *state = *state * 1664525u + 1013904223u;
    sample[i] = (unsigned char)(*state >> 24);
  }
}

/* FNV-1a. */
static uint64_t hash(uint64_t state, const signed char* values, size_t count) {
  for (size_t i = 0; i < count; ++i) state = (state ^ (unsigned char)values[i]) * 0x100000001b3u;
  return state;
}

static int failed(const char* what, const intaglio_error* error) {
  print(what);
  print(": ");
  print(error->message);
  print("\n");
  return 1;
}

int main(void) {
  static unsigned char sample[NETWORK_INPUT_0_BYTES];
  static signed char scores[NETWORK_OUTPUT_0_BYTES];
  static intaglio_error error;
  region memory = {model_memory, sizeof(model_memory), 0, 0};
  const intaglio_allocator allocator = {region_allocate, region_release, &memory};
  intaglio_options options = INTAGLIO_OPTIONS_INIT;
  intaglio_model* model;
  intaglio_context* context;
  uint64_t state = 0xcbf29ce484222325u;
  uint32_t seed = 1;

  options.flags = INTAGLIO_BORROW; /* the network stays in flash */
  options.allocator = &allocator;
  if (intaglio_model_open_memory(network, NETWORK_BYTES, &options, &model, &error)) return failed("open", &error);
  if (intaglio_context_place(model, context_memory, sizeof(context_memory), &context, &error)) {
    return failed("context", &error);
  }
  const intaglio_input input = {sample, sizeof(sample)};
  const intaglio_output output = {scores, sizeof(scores)};
  for (int i = 0; i < SAMPLES; ++i) {
    size_t best = 0;
    make_sample(&seed, sample, sizeof(sample));
    if (intaglio_context_run(context, &input, 1, &output, 1, &error)) return failed("run", &error);
    for (size_t k = 1; k < sizeof(scores); ++k) {
      if (scores[k] > scores[best]) best = k;
    }
    print_number("class ", (unsigned long)best, "\n");
    state = hash(state, scores, sizeof(scores));
  }
  print_hex("hash ", state, "\n");
  print_number("model ", (unsigned long)memory.used, " bytes");
  print_number(", while opening ", (unsigned long)memory.most, "\n");
  print_number("context ", (unsigned long)intaglio_context_bytes(model), " bytes\n");
  intaglio_context_close(context, NULL);
  intaglio_model_close(model);
  return 0;
}
