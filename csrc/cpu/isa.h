// Instruction-set tiers, and which of them this CPU has.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace intaglio {

// Worst first. A tier runs its own kernels, and where it has none those of the tiers it includes.
enum class Isa : std::uint8_t { kScalar, kAvx2, kAvxVnni, kAvx512Vnni };
inline constexpr Isa kAllIsas[] = {Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512Vnni};

const char* isa_name(Isa isa);  // "scalar", "avx2", "avxvnni", "avx512vnni"

// Whether kernels compiled for `kernel` may run on tier `tier` (AVX512-VNNI does not imply AVX-VNNI).
constexpr bool includes(Isa tier, Isa kernel) {
  if (kernel == Isa::kScalar || kernel == tier) return true;
  return kernel == Isa::kAvx2 && tier >= Isa::kAvx2;
}

// By CPUID and XCR0: the CPU has the instructions and the operating system saves the registers.
bool cpu_has(Isa isa);
Isa best_isa();

// The tier called `name`, or the best of this CPU for an empty name; an error for an unknown name or one the CPU lacks.
Result<Isa> choose_isa(std::string_view name);

}  // namespace intaglio
