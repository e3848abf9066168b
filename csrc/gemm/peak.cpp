#include "gemm/peak.h"

#include <algorithm>
#include <chrono>

#include "kernels/gemm.h"
#include "kernels/registry.h"

namespace intaglio {

double measure_peak_gmacs(Isa isa) {
  constexpr int kTrials = 20;
  constexpr std::uint64_t kRepeats = 50'000;
  using Clock = std::chrono::steady_clock;
  const GemmKernels& gemm = *kernels_for(isa).gemm;
  double best = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Clock::time_point start = Clock::now();
    const std::uint64_t macs = gemm.exercise(kRepeats);
    const std::chrono::duration<double, std::nano> elapsed = Clock::now() - start;
    best = std::max(best, static_cast<double>(macs) / elapsed.count());
  }
  return best;
}

}  // namespace intaglio
