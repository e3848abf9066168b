#include "semihosting.h"

#include <stdint.h>

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20 };

#define APPLICATION_EXIT 0x20026u

static void call(uint32_t operation, const void* argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void print(const char* text) { call(SYS_WRITE0, text); }

static void print_digits(const char* before, unsigned long long number, unsigned base, int least, const char* after) {
  char text[24];
  char* at = text + sizeof(text) - 1;
  *at = '\0';
  for (; number != 0 || least > 0; number /= base, --least) *--at = "0123456789abcdef"[number % base];
  print(before);
  print(at);
  print(after);
}

void print_number(const char* before, unsigned long number, const char* after) {
  print_digits(before, number, 10, 1, after);
}

void print_hex(const char* before, unsigned long long number, const char* after) {
  print_digits(before, number, 16, 16, after);
}

void finish(int code) {
  const uint32_t reason[2] = {APPLICATION_EXIT, (uint32_t)code};
  call(SYS_EXIT_EXTENDED, reason);
  for (;;) {
  }
}
