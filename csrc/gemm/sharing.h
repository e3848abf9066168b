// How work is cut into parts, and how evenly. A part of the positions finds what it wrote for the last layer in its own
// core's caches, so columns are cut only where that takes less.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/divide.h"
#include "runtime/planner.h"

namespace intaglio {

// The share of `count` units that part `part` of `parts` does, cut at multiples of `grain`.
constexpr Range split_at(std::int64_t count, std::int64_t grain, int part, int parts) {
  const Range range = split(divide_up(count, grain), part, parts);
  return {std::min(range.begin * grain, count), std::min(range.end * grain, count)};
}

// The share of the work that the most loaded of `ways` parts does, times `ways`, where `count` units are cut at
// multiples of `grain`: 1 is an even split.
constexpr double imbalance(std::int64_t count, std::int64_t grain, int ways) {
  const std::int64_t units = divide_up(count, grain);
  return static_cast<double>(divide_up(units, ways) * ways) / static_cast<double>(units);
}

}  // namespace intaglio
