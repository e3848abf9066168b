// What this CPU could do at best.
#pragma once

#include "base/clock.h"
#include "cpu/isa.h"

namespace intaglio {

// Multiply-accumulates per nanosecond (GMAC/s) of one thread doing nothing but the dot products of a tier that the CPU
// has, on registers. Takes some ten milliseconds.
double measure_peak_gmacs(Isa isa, Clock clock);

}  // namespace intaglio
