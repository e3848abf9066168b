// How far apart two cores are.
#pragma once

namespace intaglio::python {

// Nanoseconds for a word to go from a core to another and back, of the first two that the thread may run on: some 100
// where they share a cache. NaN where there is but one, or the system does not let threads choose.
double measure_round_trip();

}  // namespace intaglio::python
