/* What happens before main(): the vector table, and memory as C expects it. */
#include <stddef.h>
#include <string.h>

#include "semihosting.h"

extern unsigned char data_begin[], data_end[], data_in_flash[], bss_begin[], bss_end[];

int main(void);

void reset(void) {
  memcpy(data_begin, data_in_flash, (size_t)(data_end - data_begin));
  memset(bss_begin, 0, (size_t)(bss_end - bss_begin));
  finish(main());
}

/* Any fault and interrupt: nothing here should cause one. */
static void unexpected(void) {
  print("spot: an exception of the CPU\n");
  finish(1);
}

/* The CPU's own exceptions; mps2.ld puts the end of the stack in front of them. */
__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    reset,      unexpected, unexpected, unexpected, unexpected, unexpected, unexpected, unexpected,
    unexpected, unexpected, unexpected, unexpected, unexpected, unexpected, unexpected,
};
