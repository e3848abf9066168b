// The threads of the process: one set of workers, used by one run at a time.
#pragma once

#include <cstdint>

#include "base/memory.h"

namespace intaglio {

inline constexpr int kMaxThreads = 256;

// The cores this process may use, at most kMaxThreads.
int usable_cores();

// Part `part` of `parts` of a job; parts may run at the same time, in any order.
struct Task {
  void (*run)(const void* arguments, int part, int parts);
  const void* arguments;
};

class Workers;

// Starts `count` workers, or as many as the system gives, rather than leave that to the first run that wants them.
void start_workers(int count);

// The calling thread, and the workers where they are wanted and no other run has them. Bits do not depend on who runs a
// part, so a run that finds the workers taken does all its parts itself.
class Team {
 public:
  // `work`: multiply-accumulates of the run, which have to be worth waking workers for.
  Team(int threads, std::int64_t work);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Returns when all parts are done.
  void run(const Task& task, int parts);

 private:
  Workers* workers_ = nullptr;
};

}  // namespace intaglio
