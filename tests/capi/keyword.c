/* A program with one network in it: reads its input from a file and prints its output, one number a line. */
#include <intaglio/intaglio.h>
#include <stdio.h>

#include "keywords.h"

static signed char given[KEYWORDS_INPUT_0_BYTES], got[KEYWORDS_OUTPUT_0_BYTES];

static int failed(const intaglio_error* error) {
  fprintf(stderr, "%s\n", error->message);
  return 1;
}

int main(int argc, char** argv) {
  intaglio_options options = INTAGLIO_OPTIONS_INIT;
  intaglio_model* model;
  intaglio_context* context;
  intaglio_error error;
  FILE* file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (file == NULL || fread(given, 1, sizeof(given), file) != sizeof(given)) return 2;
  fclose(file);

  options.flags = INTAGLIO_BORROW;
  if (intaglio_model_open_memory(keywords, KEYWORDS_BYTES, &options, &model, &error)) return failed(&error);
  if (intaglio_context_create(model, &context, &error)) return failed(&error);
  const intaglio_input input = {given, sizeof(given)};
  const intaglio_output output = {got, sizeof(got)};
  if (intaglio_context_run(context, &input, 1, &output, 1, &error)) return failed(&error);
  for (size_t i = 0; i < sizeof(got); ++i) printf("%d\n", got[i]);

  intaglio_context_close(context, NULL);
  intaglio_model_close(model);
  return 0;
}
