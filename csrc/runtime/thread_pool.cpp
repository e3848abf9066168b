#include "runtime/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <new>

#include "base/float_environment.h"
#include "runtime/process.h"

namespace intaglio {
namespace {

using Clock = std::chrono::steady_clock;

// Workers spin this long for the next step before they park: longer than any serial step of a layer or two, too short
// to be seen in a process's CPU time between two runs.
constexpr std::chrono::microseconds kSpin{100};
constexpr int kSpinsPerClock = 32;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

// A job is a ticket (sequence number, next part, number of parts) in one word. Whoever advances the ticket owns a part;
// the sequence number makes a stale ticket fail. The job is over when as many parts are finished as it has, so a worker
// that comes late finds nothing to do and nobody waits for it.
class Workers {
 public:
  // Starts threads until there are `count`, or as many as the system gives.
  void grow(int count) {
    while (count_ < count && start()) ++count_;
  }
  int count() const { return count_; }

  void run(const Task& task, int parts) {
    task_ = task;
    finished_.store(0, std::memory_order_relaxed);
    const std::uint64_t sequence = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
    // Part 0 is the caller's. Sequentially consistent, as is asleep_: either the caller sees a worker going to sleep,
    // or that worker sees the ticket.
    ticket_.store(sequence << 32 | kNextPart | static_cast<std::uint64_t>(parts), std::memory_order_seq_cst);
    const int asleep = asleep_.load(std::memory_order_seq_cst);
    if (asleep > 0) wake(std::min(asleep, parts - 1 - (count_ - asleep)));
    task.run(task.arguments, 0, parts);
    int done = 1;
    for (int part = 0; claim(part); ++done) task.run(task.arguments, part, parts);
    wait_for(parts - done);
  }

 private:
  static constexpr std::uint64_t kNextPart = std::uint64_t{1} << 16;

  bool start() {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the user's threads
    pthread_t thread;
    const bool started = pthread_create(&thread, nullptr, enter, this) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (started) pthread_detach(thread);
    return started;
  }

  static void* enter(void* self) {
    const FloatEnvironment environment;
    static_cast<Workers*>(self)->work();
    return nullptr;
  }

  [[noreturn]] void work() {
    for (Clock::time_point end = Clock::now() + kSpin;;) {
      int part = 0;
      if (claim(part)) {
        const int parts = static_cast<int>(ticket_.load(std::memory_order_relaxed) & (kNextPart - 1));
        task_.run(task_.arguments, part, parts);
        finished_.fetch_add(1, std::memory_order_release);
        end = Clock::now() + kSpin;
      } else if (Clock::now() < end) {
        for (int i = 0; i < kSpinsPerClock && !open(ticket_.load(std::memory_order_relaxed)); ++i) relax();
      } else {
        sleep();
        end = Clock::now() + kSpin;
      }
    }
  }

  static bool open(std::uint64_t ticket) { return (ticket >> 16 & 0xFFFF) < (ticket & 0xFFFF); }

  bool claim(int& part) {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (open(ticket)) {
      if (ticket_.compare_exchange_weak(ticket, ticket + kNextPart, std::memory_order_acq_rel)) {
        part = static_cast<int>(ticket >> 16 & 0xFFFF);
        return true;
      }
    }
    return false;
  }

  void sleep() {
    asleep_.fetch_add(1, std::memory_order_seq_cst);
    const std::uint32_t calls = calls_.load(std::memory_order_seq_cst);
    if (!open(ticket_.load(std::memory_order_seq_cst))) calls_.wait(calls);
    asleep_.fetch_sub(1, std::memory_order_relaxed);
  }

  void wake(int count) {
    if (count <= 0) return;
    calls_.fetch_add(1, std::memory_order_seq_cst);
    for (int i = 0; i < count; ++i) calls_.notify_one();
  }

  void wait_for(int others) {
    const auto done = [&] { return finished_.load(std::memory_order_acquire) == others; };
    for (const Clock::time_point end = Clock::now() + kSpin; !done();) {
      for (int i = 0; i < kSpinsPerClock && !done(); ++i) relax();
      if (Clock::now() > end) sched_yield();  // the core may be needed to finish the part
    }
  }

  alignas(kAlignment) std::atomic<std::uint64_t> ticket_{0};
  Task task_{};                                       // may be read by whoever owns a part
  alignas(kAlignment) std::atomic<int> finished_{0};  // parts done by workers
  alignas(kAlignment) std::atomic<int> asleep_{0};
  std::atomic<std::uint32_t> calls_{0};  // workers sleep on this
  int count_ = 0;
};

namespace {

// Guarded by process_mutex(). The workers live as long as the process.
Workers* workers = nullptr;
bool taken = false;

Workers* take_workers(int count) {
  const std::lock_guard lock(process_mutex());
  if (taken) return nullptr;
  if (workers == nullptr) {
    void* const memory = system_allocator().allocate(sizeof(Workers));
    if (memory == nullptr) return nullptr;
    workers = new (memory) Workers;
  }
  workers->grow(count);
  if (workers->count() == 0) return nullptr;
  taken = true;
  return workers;
}

void before_fork() { process_mutex().lock(); }

void after_fork_in_parent() { process_mutex().unlock(); }

// A child has the forking thread only: its workers are started anew when a run needs them.
void after_fork_in_child() {
  workers = nullptr;
  taken = false;
  process_mutex().unlock();
}

}  // namespace

std::mutex& process_mutex() {
  static std::mutex mutex;
  [[maybe_unused]] static const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  return mutex;
}

int usable_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::clamp(CPU_COUNT(&set), 1, kMaxThreads);
#endif
  return static_cast<int>(std::clamp(sysconf(_SC_NPROCESSORS_ONLN), 1L, long{kMaxThreads}));
}

Team::Team(int threads) {
  if (threads > 1) workers_ = take_workers(threads - 1);
}

Team::~Team() {
  if (workers_ == nullptr) return;
  const std::lock_guard lock(process_mutex());
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
