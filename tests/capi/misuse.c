/* Everything that can be asked for wrongly gives a status and a message that says what was needed.
 *
 * misuse digits.intaglio float.intaglio: the second one has float32 ops. */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "checks.h"

enum { PIXELS = 64, CLASSES = 10 };

static const char* digits_path;
static unsigned char* digits;
static size_t digits_size;
static unsigned char pixels[PIXELS];
static signed char logits[CLASSES];
static const intaglio_input good_input = {pixels, PIXELS};
static const intaglio_output good_output = {logits, CLASSES};

static intaglio_model* opened(void) {
  intaglio_model* model = NULL;
  FINE(intaglio_model_open_memory(digits, digits_size, NULL, &model, &error));
  return model;
}

static void check_opening(void) {
  intaglio_model* model = (intaglio_model*)&digits_size;
  EXPECT(intaglio_model_open_file(NULL, NULL, &model, &error), INTAGLIO_INVALID_ARGUMENT, "path");
  CHECK(model == NULL);
  EXPECT(intaglio_model_open_file("no such file", NULL, &model, &error), INTAGLIO_IO, "no such file");
  EXPECT(intaglio_model_open_file("/", NULL, &model, &error), INTAGLIO_IO, "regular");
  EXPECT(intaglio_model_open_memory(NULL, 10, NULL, &model, &error), INTAGLIO_INVALID_ARGUMENT, "NULL");
  EXPECT(intaglio_model_open_memory(digits, digits_size, NULL, NULL, &error), INTAGLIO_INVALID_ARGUMENT, "place");
  EXPECT(intaglio_model_open_memory(digits, 0, NULL, &model, &error), INTAGLIO_MODEL_FORMAT, "");
  EXPECT(intaglio_model_open_memory(digits, digits_size - 64, NULL, &model, &error), INTAGLIO_MODEL_FORMAT, "");
  CHECK(intaglio_model_open_memory(digits, 64, NULL, &model, NULL) == INTAGLIO_MODEL_FORMAT);
  digits[8] = 77;
  EXPECT(intaglio_model_open_memory(digits, digits_size, NULL, &model, &error), INTAGLIO_UNSUPPORTED_VERSION, "77");
  digits[8] = 1;
  digits[digits_size / 2] ^= 1;
  EXPECT(intaglio_model_open_memory(digits, digits_size, NULL, &model, &error), INTAGLIO_MODEL_FORMAT, "checksum");
  digits[digits_size / 2] ^= 1;
  CHECK(model == NULL);
}

static void* allocate_nothing(void* user, size_t bytes, size_t alignment) {
  (void)user, (void)bytes, (void)alignment;
  return NULL;
}

static void* allocate_misaligned(void* user, size_t bytes, size_t alignment) {
  (void)user, (void)alignment;
  return (char*)malloc(bytes + 64) + 16;
}

static void release_nothing(void* user, void* memory, size_t bytes) { (void)user, (void)memory, (void)bytes; }

static void release_misaligned(void* user, void* memory, size_t bytes) {
  (void)user, (void)bytes;
  free((char*)memory - 16);
}

/* The n-th allocation from now on fails; nothing may be lost then. */
typedef struct failing {
  int left, live;
} failing;

static void* allocate_some(void* user, size_t bytes, size_t alignment) {
  failing* f = (failing*)user;
  void* memory = NULL;
  if (f->left-- <= 0 || posix_memalign(&memory, alignment, bytes) != 0) return NULL;
  ++f->live;
  return memory;
}

static void release_some(void* user, void* memory, size_t bytes) {
  (void)bytes;
  --((failing*)user)->live;
  free(memory);
}

static void check_options(void) {
  const intaglio_options defaults = INTAGLIO_OPTIONS_INIT;
  intaglio_allocator allocator = {allocate_nothing, release_nothing, NULL};
  intaglio_model* model;
  intaglio_options options = defaults;
  options.struct_size = 3;
  EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_INVALID_ARGUMENT, "struct_size");
  options = defaults;
  options.threads = 0;
  EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_INVALID_ARGUMENT, "1 to 256");
  options.threads = 257;
  EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_INVALID_ARGUMENT, "got 257");
  options = defaults;
  options.flags = 6;
  EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_INVALID_ARGUMENT, "0x6");
  options = defaults;
  options.tier = "sse9";
  EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_TIER, "unknown");
  options = defaults;
  options.allocator = &allocator;
  EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_OUT_OF_MEMORY, "memory");
  allocator.release = NULL;
  EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_INVALID_ARGUMENT, "release");
  allocator.allocate = allocate_misaligned;
  allocator.release = release_misaligned;
  EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_MISALIGNED, "multiples of 64");
  CHECK(model == NULL);
}

/* Memory may end anywhere. */
static void check_memory_that_ends(void) {
  int count = 0, done = 0;
  for (; !done; ++count) {
    failing state = {count, 0};
    const intaglio_allocator allocator = {allocate_some, release_some, &state};
    intaglio_options options = INTAGLIO_OPTIONS_INIT;
    intaglio_model* model;
    intaglio_context* context;
    options.allocator = &allocator;
    if (intaglio_model_open_file(digits_path, &options, &model, NULL) != INTAGLIO_OK) {
      EXPECT(intaglio_model_open_memory(digits + 1, digits_size, &options, &model, &error), INTAGLIO_OUT_OF_MEMORY, "");
      CHECK(model == NULL);
    } else {
      done = intaglio_context_create(model, &context, NULL) == INTAGLIO_OK;
      if (done) FINE(intaglio_context_close(context, &error));
      intaglio_model_close(model);
    }
    CHECK(state.live == 0);
  }
  CHECK(count > 20);
}

static void check_tiers(void) {
  static const char* const known[] = {"scalar", "avx2", "avxvnni", "avx512vnni", "amx"};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
    intaglio_options options = INTAGLIO_OPTIONS_INIT;
    intaglio_model* model;
    int present = 0;
    for (size_t j = 0; intaglio_tier(j) != NULL; ++j) present |= strcmp(intaglio_tier(j), known[i]) == 0;
    options.tier = known[i];
    if (present) {
      FINE(intaglio_model_open_file(digits_path, &options, &model, &error));
      CHECK(strcmp(intaglio_model_tier(model), known[i]) == 0);
      intaglio_model_close(model);
    } else {
      EXPECT(intaglio_model_open_file(digits_path, &options, &model, &error), INTAGLIO_TIER, known[i]);
    }
  }
}

static void check_borrowing(void) {
  intaglio_options options = INTAGLIO_OPTIONS_INIT;
  intaglio_model* model;
  unsigned char* shifted = (unsigned char*)malloc(digits_size + 1);
  memcpy(shifted + 1, digits, digits_size);
  options.flags = INTAGLIO_BORROW;
  EXPECT(intaglio_model_open_memory(shifted + 1, digits_size, &options, &model, &error), INTAGLIO_MISALIGNED, "of 8");
  options.flags = 0;
  FINE(intaglio_model_open_memory(shifted + 1, digits_size, &options, &model, &error));
  free(shifted);
  CHECK(strcmp(intaglio_model_input(model, 0)->name, "image") == 0);
  intaglio_model_close(model);
}

static void check_handles(void) {
  intaglio_model* model = opened();
  intaglio_context* context;
  _Alignas(64) unsigned char nothing[64] = {0};
  intaglio_model* no_model = (intaglio_model*)(void*)nothing;
  intaglio_context* no_context = (intaglio_context*)(void*)nothing;
  EXPECT(intaglio_context_create(NULL, &context, &error), INTAGLIO_INVALID_ARGUMENT, "model");
  EXPECT(intaglio_context_create(model, NULL, &error), INTAGLIO_INVALID_ARGUMENT, "place");
  EXPECT(intaglio_context_create(no_model, &context, &error), INTAGLIO_INVALID_ARGUMENT, "model");
  CHECK(context == NULL);
  EXPECT(intaglio_context_run(NULL, NULL, 0, NULL, 0, &error), INTAGLIO_INVALID_ARGUMENT, "context");
  EXPECT(intaglio_context_run(no_context, NULL, 0, NULL, 0, &error), INTAGLIO_INVALID_ARGUMENT, "context");
  EXPECT(intaglio_context_close(no_context, &error), INTAGLIO_INVALID_ARGUMENT, "context");
  FINE(intaglio_context_close(NULL, &error));
  CHECK(intaglio_model_input(model, 1) == NULL && intaglio_model_output(model, 1) == NULL);
  CHECK(intaglio_model_input(NULL, 0) == NULL && intaglio_model_input_count(NULL) == 0);
  CHECK(intaglio_context_bytes(NULL) == 0 && intaglio_model_tier(NULL) == NULL);
  CHECK(intaglio_model_threads(NULL) == 0 && intaglio_model_arena_bytes(NULL) == 0);
  CHECK(intaglio_status_name(-1) == NULL && intaglio_status_name(1000) == NULL);
  intaglio_model_close(NULL);
  intaglio_model_close(model);
}

static void check_context_memory(void) {
  intaglio_model* model = opened();
  const size_t bytes = intaglio_context_bytes(model);
  unsigned char* memory = (unsigned char*)aligned_alloc(64, (bytes + 127) / 64 * 64);
  char needed[32];
  intaglio_context* context;
  snprintf(needed, sizeof(needed), "needs %zu bytes", bytes);
  EXPECT(intaglio_context_place(model, memory, bytes - 1, &context, &error), INTAGLIO_TOO_SMALL, needed);
  EXPECT(intaglio_context_place(model, memory, 0, &context, &error), INTAGLIO_TOO_SMALL, "got 0");
  EXPECT(intaglio_context_place(model, NULL, bytes, &context, &error), INTAGLIO_INVALID_ARGUMENT, "memory");
  EXPECT(intaglio_context_place(model, memory + 8, bytes, &context, &error), INTAGLIO_MISALIGNED, "multiple of 64");
  FINE(intaglio_context_place(model, memory, bytes, &context, &error));
  FINE(intaglio_context_run(context, &good_input, 1, &good_output, 1, &error));
  FINE(intaglio_context_close(context, &error));
  EXPECT(intaglio_context_run(context, &good_input, 1, &good_output, 1, &error), INTAGLIO_INVALID_ARGUMENT, "closed");
  EXPECT(intaglio_context_close(context, &error), INTAGLIO_INVALID_ARGUMENT, "closed");
  free(memory);
  intaglio_model_close(model);
}

static void check_buffers(void) {
  intaglio_model* model = opened();
  intaglio_context* context = NULL;
  const intaglio_input small_input = {pixels, PIXELS - 1}, no_input = {NULL, PIXELS};
  const intaglio_output small_output = {logits, CLASSES - 1}, no_output = {NULL, CLASSES};
  FINE(intaglio_context_create(model, &context, &error));
  EXPECT(intaglio_context_run(context, &small_input, 1, &good_output, 1, &error), INTAGLIO_TOO_SMALL,
         "'image': its buffer needs 64 bytes, got 63");
  EXPECT(intaglio_context_run(context, &good_input, 1, &small_output, 1, &error), INTAGLIO_TOO_SMALL,
         "'logits': its buffer needs 10 bytes, got 9");
  EXPECT(intaglio_context_run(context, &no_input, 1, &good_output, 1, &error), INTAGLIO_INVALID_ARGUMENT, "NULL");
  EXPECT(intaglio_context_run(context, &good_input, 1, &no_output, 1, &error), INTAGLIO_INVALID_ARGUMENT, "NULL");
  EXPECT(intaglio_context_run(context, &good_input, 2, &good_output, 1, &error), INTAGLIO_INVALID_ARGUMENT,
         "1 inputs, got 2");
  EXPECT(intaglio_context_run(context, &good_input, 1, &good_output, 0, &error), INTAGLIO_INVALID_ARGUMENT,
         "1 outputs, got 0");
  EXPECT(intaglio_context_run(context, NULL, 1, &good_output, 1, &error), INTAGLIO_INVALID_ARGUMENT, "NULL");
  FINE(intaglio_context_run(context, &good_input, 1, &good_output, 1, &error));
  FINE(intaglio_context_close(context, &error));
  intaglio_model_close(model);
}

static void check_closed_model(void) {
  intaglio_model* model = opened();
  intaglio_context *first = NULL, *second = NULL, *third;
  FINE(intaglio_context_create(model, &first, &error));
  FINE(intaglio_context_create(model, &second, &error));
  FINE(intaglio_context_run(first, &good_input, 1, &good_output, 1, &error));
  intaglio_model_close(model);
  EXPECT(intaglio_context_run(first, &good_input, 1, &good_output, 1, &error), INTAGLIO_CLOSED, "model");
  EXPECT(intaglio_context_create(model, &third, &error), INTAGLIO_INVALID_ARGUMENT, "closed");
  CHECK(third == NULL);
  FINE(intaglio_context_close(first, &error));
  EXPECT(intaglio_context_run(second, &good_input, 1, &good_output, 1, &error), INTAGLIO_CLOSED, "model");
  FINE(intaglio_context_close(second, &error));
}

static void check_quantization(void) {
  intaglio_model* model = opened();
  const intaglio_port* image = intaglio_model_input(model, 0);
  float reals[5] = {-1.0F, 0.03125F, 0.09375F, 1000.0F, 0.5F};
  unsigned char q[5];
  static const unsigned char expected[5] = {0, 0, 2, 255, 8};
  intaglio_port plain = *image;
  plain.quantized = 0;
  FINE(intaglio_quantize(image, reals, 5, q, &error));
  CHECK(memcmp(q, expected, 5) == 0);
  FINE(intaglio_dequantize(image, q, 5, reals, &error));
  CHECK(reals[2] == 0.125F && reals[3] == 15.9375F);
  reals[4] = reals[0] / reals[0];
  EXPECT(intaglio_quantize(image, reals, 5, q, &error), INTAGLIO_INPUT, "'image': number 4 is NaN");
  EXPECT(intaglio_quantize(&plain, reals, 5, q, &error), INTAGLIO_INVALID_ARGUMENT, "not quantized");
  EXPECT(intaglio_quantize(image, NULL, 5, q, &error), INTAGLIO_INVALID_ARGUMENT, "NULL");
  EXPECT(intaglio_dequantize(NULL, q, 5, reals, &error), INTAGLIO_INVALID_ARGUMENT, "port");
  EXPECT(intaglio_dequantize(image, q, 4, (float*)(void*)((char*)reals + 1), &error), INTAGLIO_MISALIGNED, "of 4");
  intaglio_model_close(model);
}

/* One context, two threads: every run either has the context to itself or is told that it does not. */
typedef struct runner {
  intaglio_context* context;
  int fine, busy;
} runner;

static void* run_often(void* argument) {
  runner* r = (runner*)argument;
  signed char own[CLASSES];
  const intaglio_output output = {own, CLASSES};
  for (int i = 0; i < 20000; ++i) {
    const intaglio_status status = intaglio_context_run(r->context, &good_input, 1, &output, 1, NULL);
    r->fine += status == INTAGLIO_OK && memcmp(own, logits, CLASSES) == 0;
    r->busy += status == INTAGLIO_BUSY;
  }
  return NULL;
}

/* The same from a signal handler, which surely arrives while a run is on. */
static intaglio_context* interrupted;
static volatile sig_atomic_t signals, busy_runs, busy_closes;

static void run_again(int number) {
  signed char own[CLASSES];
  const intaglio_output output = {own, CLASSES};
  (void)number;
  ++signals;
  if (intaglio_context_run(interrupted, &good_input, 1, &output, 1, NULL) != INTAGLIO_BUSY) return;
  ++busy_runs;
  busy_closes += intaglio_context_close(interrupted, NULL) == INTAGLIO_BUSY;
}

static void check_busy(void) {
  intaglio_model* model = opened();
  intaglio_context* context = NULL;
  pthread_t threads[2];
  runner runners[2];
  const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  FINE(intaglio_context_create(model, &context, &error));
  FINE(intaglio_context_run(context, &good_input, 1, &good_output, 1, &error));
  for (int i = 0; i < 2; ++i) {
    runners[i] = (runner){context, 0, 0};
    CHECK(pthread_create(&threads[i], NULL, run_often, &runners[i]) == 0);
  }
  for (int i = 0; i < 2; ++i) {
    pthread_join(threads[i], NULL);
    CHECK(runners[i].fine + runners[i].busy == 20000);
  }
  CHECK(runners[0].fine + runners[1].fine > 0);

  interrupted = context;
  signal(SIGALRM, run_again);
  CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
  while (busy_runs == 0 && signals < 1000) {
    FINE(intaglio_context_run(context, &good_input, 1, &good_output, 1, &error));
  }
  CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
  CHECK(busy_runs > 0 && busy_closes == busy_runs);
  EXPECT(intaglio_context_run(context, &good_input, 1, &good_output, 1, &error), INTAGLIO_OK, "");
  FINE(intaglio_context_close(context, &error));
  intaglio_model_close(model);
}

/* Buffers of numbers wider than a byte; or, where the build was made without float32 ops, that it says so. */
static void check_wide_numbers(const char* path) {
  intaglio_model* model = NULL;
  intaglio_context* context = NULL;
  const intaglio_status status = intaglio_model_open_file(path, NULL, &model, NULL);
  if (status == INTAGLIO_LEFT_OUT) {
    EXPECT(intaglio_model_open_file(path, NULL, &model, &error), INTAGLIO_LEFT_OUT, "'float32' ops");
    return;
  }
  CHECK(status == INTAGLIO_OK);
  FINE(intaglio_context_create(model, &context, &error));
  const intaglio_port *in = intaglio_model_input(model, 0), *out = intaglio_model_output(model, 0);
  char* numbers = (char*)malloc(in->bytes + out->bytes + 8);
  const intaglio_input odd_input = {numbers + 1, in->bytes}, input = {numbers, in->bytes};
  const intaglio_output odd_output = {numbers + in->bytes + 2, out->bytes}, output = {numbers + in->bytes, out->bytes};
  memset(numbers, 0, in->bytes);
  CHECK(in->dtype == INTAGLIO_FLOAT32 && out->dtype == INTAGLIO_FLOAT32);
  EXPECT(intaglio_context_run(context, &odd_input, 1, &output, 1, &error), INTAGLIO_MISALIGNED, "multiple of 4");
  EXPECT(intaglio_context_run(context, &input, 1, &odd_output, 1, &error), INTAGLIO_MISALIGNED, "multiple of 4");
  FINE(intaglio_context_run(context, &input, 1, &output, 1, &error));
  free(numbers);
  FINE(intaglio_context_close(context, &error));
  intaglio_model_close(model);
}

/* A network that makes integers of its input, float32 of shape [2, 2]. */
static void check_numbers(const char* path) {
  intaglio_model* model = NULL;
  intaglio_context* context = NULL;
  float numbers[4] = {0.0F, 1.0F, 0.0F, 0.0F};
  signed char rounded[4];
  const intaglio_input input = {numbers, sizeof(numbers)};
  const intaglio_output output = {rounded, sizeof(rounded)};
  FINE(intaglio_model_open_file(path, NULL, &model, &error));
  FINE(intaglio_context_create(model, &context, &error));
  FINE(intaglio_context_run(context, &input, 1, &output, 1, &error));
  CHECK(rounded[1] == 2);
  numbers[2] = strtof("nan", NULL);
  EXPECT(intaglio_context_run(context, &input, 1, &output, 1, &error), INTAGLIO_INPUT, "'reals': NaN at (1, 0)");
  FINE(intaglio_context_close(context, &error));
  intaglio_model_close(model);
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  digits_path = argv[1];
  digits = read_all(digits_path, &digits_size);
  check_opening();
  check_options();
  check_memory_that_ends();
  check_tiers();
  check_borrowing();
  check_handles();
  check_context_memory();
  check_buffers();
  check_closed_model();
  check_quantization();
  check_busy();
  check_wide_numbers(argv[2]);
  check_numbers(argv[3]);
  free(digits);
  return failures != 0;
}
