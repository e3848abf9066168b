// One thread: it does all parts of a task by itself, whatever the options say.
#include "runtime/thread_pool.h"

#include "runtime/process.h"

namespace intaglio {

ProcessLock::ProcessLock() = default;
ProcessLock::~ProcessLock() = default;

void start_workers(int) {}

int usable_cores() { return 1; }

Team::Team(int, std::int64_t) {}
Team::~Team() = default;

void Team::run(const Task& task, int parts) {
  for (int part = 0; part < parts; ++part) task.run(task.arguments, part, parts);
}

}  // namespace intaglio
