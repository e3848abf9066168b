#include "gemm/peak.h"

#include <algorithm>

#include "kernels/gemm.h"
#include "kernels/registry.h"

namespace intaglio {

DotRates measure_dots(Isa isa, Clock clock) {
  constexpr int kTrials = 20;
  constexpr std::uint64_t kRepeats = 50'000;
  const GemmKernels& gemm = *kernels_for(isa).gemm;
  DotRates rates;
  std::uint64_t all_macs = 0;
  const std::int64_t begin = clock();
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::int64_t start = clock();
    const std::uint64_t macs = gemm.exercise(kRepeats);
    const std::int64_t elapsed = clock() - start;
    rates.best = std::max(rates.best, static_cast<double>(macs) / static_cast<double>(elapsed));
    all_macs += macs;
  }
  rates.mean = static_cast<double>(all_macs) / static_cast<double>(clock() - begin);
  return rates;
}

}  // namespace intaglio
