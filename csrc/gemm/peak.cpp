#include "gemm/peak.h"

#include <algorithm>

#include "kernels/gemm.h"
#include "kernels/registry.h"

namespace intaglio {

double measure_peak_gmacs(Isa isa, Clock clock) {
  constexpr int kTrials = 20;
  constexpr std::uint64_t kRepeats = 50'000;
  const GemmKernels& gemm = *kernels_for(isa).gemm;
  double best = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::int64_t start = clock();
    const std::uint64_t macs = gemm.exercise(kRepeats);
    const std::int64_t elapsed = clock() - start;
    best = std::max(best, static_cast<double>(macs) / static_cast<double>(elapsed));
  }
  return best;
}

}  // namespace intaglio
