// Keeping a thread off the core that wakes it.
#pragma once

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#endif

namespace intaglio {

#if defined(__linux__)

// Where Linux takes all other cores for busy, it wakes a thread on the core of the one that wakes it, and the two then
// take turns. In a virtual machine it often does: a core that has halted looks as if the host had taken it away.
class Elsewhere {
 public:
  // Called by the thread itself.
  void set_thread() { thread_.store(static_cast<pid_t>(syscall(SYS_gettid)), std::memory_order_release); }

  // Called by the one that is about to wake it. Takes this core from those that the thread may run on, unless it is the
  // only one or not among them, and gives back the one taken before, unless somebody else has set them since.
  __attribute__((cold)) void keep_from_this_core() {
    const int core = sched_getcpu();
    const pid_t thread = thread_.load(std::memory_order_acquire);
    if (thread == 0 || core < 0 || core >= CPU_SETSIZE) return;
    cpu_set_t cores;
    if (sched_getaffinity(thread, sizeof(cores), &cores) != 0 || !CPU_ISSET(core, &cores)) return;
    if (taken_ != 0 && CPU_EQUAL(&cores, &left_)) CPU_SET(taken_ - 1, &cores);
    CPU_CLR(core, &cores);
    if (CPU_COUNT(&cores) == 0 || sched_setaffinity(thread, sizeof(cores), &cores) != 0) return;
    taken_ = core + 1;
    left_ = cores;
  }

 private:
  std::atomic<pid_t> thread_{0};  // 0 until it runs
  int taken_ = 0;                 // the core, counted from 1
  cpu_set_t left_{};
};

#else

class Elsewhere {
 public:
  void set_thread() {}
  void keep_from_this_core() {}
};

#endif

}  // namespace intaglio
