/* What the test programs share. Every CHECK that fails is told on stderr and makes the program return 1. */
#ifndef CHECKS_H
#define CHECKS_H

#include <intaglio/intaglio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

/* The call returns this status, and its message holds this text. */
#define EXPECT(call, expected, text)                                                                           \
  do {                                                                                                         \
    intaglio_error error;                                                                                      \
    memset(&error, 'x', sizeof(error));                                                                        \
    const intaglio_status status = (call);                                                                     \
    if (status != (expected) || memchr(error.message, 0, sizeof(error.message)) == NULL ||                     \
        strstr(error.message, (text)) == NULL) {                                                               \
      fprintf(stderr, "%s:%d: %s gave %s '%.255s'\n", __FILE__, __LINE__, #call, intaglio_status_name(status), \
              error.message);                                                                                  \
      ++failures;                                                                                              \
    }                                                                                                          \
  } while (0)

#define FINE(call) EXPECT(call, INTAGLIO_OK, "")

/* A whole file; the caller frees it. */
static unsigned char* read_all(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  unsigned char* bytes;
  long end;
  if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (end = ftell(file)) < 0) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(2);
  }
  rewind(file);
  *size = (size_t)end;
  bytes = (unsigned char*)malloc(*size + 1);
  if (bytes == NULL || fread(bytes, 1, *size, file) != *size) exit(2);
  fclose(file);
  return bytes;
}

#endif
