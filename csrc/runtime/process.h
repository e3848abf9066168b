// What the engines of one process share.
#pragma once

namespace intaglio {

// Held while alive. Guards the free contexts of every pool and the ownership of the workers; held for a few
// instructions only, and by fork() itself, so that a child finds all of it whole.
class ProcessLock {
 public:
  ProcessLock();
  ~ProcessLock();
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;
};

}  // namespace intaglio
