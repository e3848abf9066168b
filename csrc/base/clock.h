// How those who want times measured say what time it is: the engine itself has no clock.
#pragma once

#include <cstdint>

namespace intaglio {

// Nanoseconds since any moment.
using Clock = std::int64_t (*)();

}  // namespace intaglio
