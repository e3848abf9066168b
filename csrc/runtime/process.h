// What the engines of one process share.
#pragma once

#include <mutex>

namespace intaglio {

// Guards the free contexts of every engine and the ownership of the workers. Held for a few instructions only, and by
// fork() itself, so that a child finds all of it whole.
std::mutex& process_mutex();

}  // namespace intaglio
