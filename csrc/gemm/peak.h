// What this CPU could do at best.
#pragma once

#include "base/clock.h"
#include "cpu/isa.h"

namespace intaglio {

// Multiply-accumulates per nanosecond (GMAC/s) of one thread doing nothing but dot products on registers: in the best
// of many moments, which is the peak, and in all of them, which is less where others use the core too.
struct DotRates {
  double best = 0, mean = 0;
};

// With the instruction of a tier that the CPU has. Takes some ten milliseconds.
DotRates measure_dots(Isa isa, Clock clock);

}  // namespace intaglio
