/* Before and around main() on a Cortex-M board that qemu emulates: files, arguments and output are the host's, by
 * semihosting, of which librdimon makes the C library's functions. The board's largest memory is the heap. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SYS_GET_CMDLINE = 0x15, MAX_ARGUMENTS = 64 };

typedef void (*function)(void);

extern unsigned char data_begin[], data_end[], data_in_flash[], bss_begin[], bss_end[], heap_begin[], heap_end[];
extern const function init_begin[], init_end[];

/* What files of the compiler that are not linked would define. */
void* __dso_handle;
void _fini(void) {}

void initialise_monitor_handles(void);
int main(int argc, char** argv);

void* _sbrk(ptrdiff_t increment) {
  static unsigned char* end = heap_begin;
  if (increment > heap_end - end) return (void*)-1;
  end += increment;
  return end - increment;
}

static int call(int operation, void* argument) {
  register int r0 __asm__("r0") = operation;
  register void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

/* The words of qemu's command line for the program. */
static int read_arguments(char** argv) {
  static char line[4096];
  struct {
    char* text;
    int bytes;
  } command = {line, sizeof(line)};
  int argc = 0;
  if (call(SYS_GET_CMDLINE, &command) != 0) return 0;
  for (char* word = strtok(line, " "); word != NULL && argc < MAX_ARGUMENTS; word = strtok(NULL, " ")) {
    argv[argc++] = word;
  }
  return argc;
}

void reset(void) {
  static char* argv[MAX_ARGUMENTS + 1];
  memcpy(data_begin, data_in_flash, (size_t)(data_end - data_begin));
  memset(bss_begin, 0, (size_t)(bss_end - bss_begin));
  initialise_monitor_handles();
  for (const function* init = init_begin; init != init_end; ++init) (*init)();
  const int argc = read_arguments(argv);
  exit(main(argc, argv));
}

static void unexpected(void) { _Exit(3); }

__attribute__((section(".vectors"), used)) static const function vectors[] = {
    reset,      unexpected, unexpected, unexpected, unexpected, unexpected, unexpected, unexpected,
    unexpected, unexpected, unexpected, unexpected, unexpected, unexpected, unexpected,
};
