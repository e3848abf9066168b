// How evenly work is cut into parts.
#pragma once

#include <cstdint>

namespace intaglio {

constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The share of the work that the most loaded of `ways` parts does, times `ways`, where `count` units are cut at
// multiples of `grain`: 1 is an even split.
constexpr double imbalance(std::int64_t count, std::int64_t grain, int ways) {
  const std::int64_t units = divide_up(count, grain);
  return static_cast<double>(divide_up(units, ways) * ways) / static_cast<double>(units);
}

}  // namespace intaglio
