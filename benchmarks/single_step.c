/* Counts the instructions of the calling thread between begin() and end(), on x86-64 Linux: the CPU traps after each,
 * so whatever it has can be counted. Of a repeated string instruction each repetition counts. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <ucontext.h>

enum { TRAP_FLAG = 0x100 };

static volatile unsigned long long instructions;
static struct sigaction before;

/* The kernel clears the flag for the handler and restores it behind it. */
static void count(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  ++instructions;
}

void begin(void) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = count;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  instructions = 0;
  __asm__ volatile("sub $128, %%rsp\n\tpushfq\n\torq %0, (%%rsp)\n\tpopfq\n\tadd $128, %%rsp"
                   :
                   : "i"(TRAP_FLAG)
                   : "cc", "memory");
}

unsigned long long end(void) {
  __asm__ volatile("sub $128, %%rsp\n\tpushfq\n\tandq %0, (%%rsp)\n\tpopfq\n\tadd $128, %%rsp"
                   :
                   : "i"(~TRAP_FLAG)
                   : "cc", "memory");
  sigaction(SIGTRAP, &before, NULL);
  return instructions;
}
