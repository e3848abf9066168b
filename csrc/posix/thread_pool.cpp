#include "runtime/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>

#include "base/float_environment.h"
#include "posix/clock.h"
#include "posix/elsewhere.h"
#include "posix/park.h"
#include "runtime/process.h"

namespace intaglio {
namespace {

// Workers spin this long for the next step before they park: longer than any serial step of a layer or two, too short
// to be seen in a process's CPU time between two runs.
constexpr std::int64_t kSpinNanoseconds = 100'000;
constexpr int kSpinsPerClock = 32;
// A run of so many multiply-accumulates, some 140 microseconds, is worth waking workers for, which costs the caller 15.
constexpr std::int64_t kWorkToWake = std::int64_t{1} << 26;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

// Worker w does part w of every job that has one, so that a part finds in its core's caches what the same part of the
// last step left there. The caller does part 0, then those parts whose workers have not begun: nobody waits for a
// worker that is asleep or has lost its core. All talk goes through one word per worker, on a cache line of its own.
class Workers {
 public:
  // Starts threads until there are `count`, or as many as the system gives.
  void grow(int count) {
    while (count_ < count && start(workers_[count_])) ++count_;
  }
  int count() const { return count_; }

  // A short run wakes nobody, unless it follows another so soon that more will come.
  void begin(std::int64_t work) { wakes_ = work >= kWorkToWake || clock_nanoseconds() - ended_ < kSpinNanoseconds; }
  void end() { ended_ = clock_nanoseconds(); }

  void run(const Task& task, int parts) {
    const int helpers = std::min(parts - 1, count_);
    for (int w = 0; w < helpers; ++w) workers_[w].call(task, parts, wakes_);
    task.run(task.arguments, 0, parts);
    for (int part = helpers + 1; part < parts; ++part) task.run(task.arguments, part, parts);
    for (int w = 0; w < helpers; ++w) {
      if (workers_[w].call_off()) task.run(task.arguments, w + 1, parts);
    }
    for (int w = 0; w < helpers; ++w) workers_[w].wait();
  }

 private:
  enum State : std::uint32_t {
    kIdle,    // spinning
    kAsleep,  // parked on the state itself
    kCalled,  // its part waits for whoever is first, worker or caller
    kBusy,    // does its part
  };

  struct alignas(kAlignment) Worker {
    std::atomic<std::uint32_t> state{kIdle};
    int part = 0;
    int parts = 0;  // this and the task are the caller's to write unless the state is kBusy
    Task task{};
    bool called = false;  // to do it, rather than left asleep
    Elsewhere elsewhere{};

    void call(const Task& called_task, int called_parts, bool wakes) {
      called = wakes || state.load(std::memory_order_relaxed) != kAsleep;
      if (!called) return;
      task = called_task;
      parts = called_parts;
      if (state.exchange(kCalled, std::memory_order_acq_rel) == kAsleep) {
        elsewhere.keep_from_this_core();
        unpark(state);
      }
    }

    // Whether its part is the caller's to do.
    bool call_off() {
      if (!called) return true;
      std::uint32_t expected = state.load(std::memory_order_relaxed);  // leaves a busy worker its cache line
      return expected == kCalled && state.compare_exchange_strong(expected, kIdle, std::memory_order_acq_rel);
    }

    void wait() const {
      const auto done = [&] { return state.load(std::memory_order_acquire) != kBusy; };
      for (const std::int64_t end = clock_nanoseconds() + kSpinNanoseconds; !done();) {
        for (int i = 0; i < kSpinsPerClock && !done(); ++i) relax();
        if (clock_nanoseconds() > end) sched_yield();  // the worker may need this core to finish
      }
    }

    // Polls by compare-and-exchange: the cache line then comes over once, and to write, when the worker is called.
    [[noreturn]] void work() {
      for (std::int64_t end = clock_nanoseconds() + kSpinNanoseconds;;) {
        std::uint32_t now = kCalled;
        for (int i = 0; i < kSpinsPerClock; ++i) {
          now = kCalled;
          if (state.compare_exchange_strong(now, kBusy, std::memory_order_acq_rel) || now != kIdle) break;
          relax();
        }
        if (now == kCalled) {
          task.run(task.arguments, part, parts);
          state.store(kIdle, std::memory_order_release);
          end = clock_nanoseconds() + kSpinNanoseconds;
        } else if (now == kAsleep) {
          park(state, kAsleep);
          end = clock_nanoseconds() + kSpinNanoseconds;
        } else if (clock_nanoseconds() > end) {
          state.compare_exchange_strong(now, kAsleep, std::memory_order_relaxed);
        }
      }
    }
  };

  bool start(Worker& worker) {
    worker.part = count_ + 1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the user's threads
    pthread_t thread;
    const bool started = pthread_create(&thread, nullptr, enter, &worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (started) pthread_detach(thread);
    return started;
  }

  static void* enter(void* worker) {
    const FloatEnvironment environment;
    auto& self = *static_cast<Worker*>(worker);
    self.elsewhere.set_thread();
    self.work();
    return nullptr;
  }

  int count_ = 0;
  bool wakes_ = false;
  std::int64_t ended_ = 0;  // the last run, on clock_nanoseconds()
  Worker workers_[kMaxThreads - 1];
};

namespace {

// A plain mutex: std::mutex throws, and so needs the C++ library.
pthread_mutex_t process_mutex = PTHREAD_MUTEX_INITIALIZER;

// Guarded by process_mutex. The workers live as long as the process.
constinit Workers workers;
constinit bool taken = false;

Workers* take_workers(int count, std::int64_t work) {
  const ProcessLock lock;
  if (taken) return nullptr;
  workers.grow(count);
  if (workers.count() == 0) return nullptr;
  taken = true;
  workers.begin(work);
  return &workers;
}

void before_fork() { pthread_mutex_lock(&process_mutex); }

void after_fork_in_parent() { pthread_mutex_unlock(&process_mutex); }

// A child has the forking thread only: its workers are started anew when a run needs them.
void after_fork_in_child() {
  new (&workers) Workers;
  taken = false;
  pthread_mutex_unlock(&process_mutex);
}

void register_fork_handlers() { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

}  // namespace

ProcessLock::ProcessLock() {
  static pthread_once_t registered = PTHREAD_ONCE_INIT;
  pthread_once(&registered, register_fork_handlers);
  pthread_mutex_lock(&process_mutex);
}

ProcessLock::~ProcessLock() { pthread_mutex_unlock(&process_mutex); }

void start_workers(int count) {
  const ProcessLock lock;
  workers.grow(count);
}

int usable_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::clamp(CPU_COUNT(&set), 1, kMaxThreads);
#endif
  return static_cast<int>(std::clamp(sysconf(_SC_NPROCESSORS_ONLN), 1L, long{kMaxThreads}));
}

Team::Team(int threads, std::int64_t work) {
  if (threads > 1) workers_ = take_workers(threads - 1, work);
}

Team::~Team() {
  if (workers_ == nullptr) return;
  const ProcessLock lock;
  workers_->end();
  taken = false;
}

void Team::run(const Task& task, int parts) {
  if (workers_ != nullptr && parts > 1) {
    workers_->run(task, parts);
  } else {
    for (int part = 0; part < parts; ++part) task.run(task.arguments, part, parts);
  }
}

}  // namespace intaglio
