// Time that only goes forward. Not std::chrono, whose clocks live in the C++ library.
#pragma once

#include <cstdint>
#include <ctime>

namespace intaglio {

inline std::int64_t clock_nanoseconds() {
  std::timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace intaglio
