/* Semihosting: how a program without an operating system speaks to the debugger, here qemu. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

void print(const char* text);
void print_number(const char* before, unsigned long number, const char* after);
void print_hex(const char* before, unsigned long long number, const char* after);

/* Ends the emulation; the exit code is that of qemu. */
_Noreturn void finish(int code);

#endif
