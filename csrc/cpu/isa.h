// Instruction-set tiers, and which of them this CPU has.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/listed.h"
#include "base/status.h"

#if !defined(INTAGLIO_ISAS_LEFT_OUT)
#define INTAGLIO_ISAS_LEFT_OUT ""
#endif

namespace intaglio {

// Worst first. A tier runs its own kernels, and where it has none those of the tiers it includes.
enum class Isa : std::uint8_t { kScalar, kAvx2, kAvxVnni, kAvx512Vnni, kAmx, kNeon, kDotprod, kI8mm };
inline constexpr Isa kAllIsas[] = {Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512Vnni,
                                   Isa::kAmx,    Isa::kNeon, Isa::kDotprod, Isa::kI8mm};

constexpr const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvxVnni:
      return "avxvnni";
    case Isa::kAvx512Vnni:
      return "avx512vnni";
    case Isa::kAmx:
      return "amx";
    case Isa::kNeon:
      return "neon";
    case Isa::kDotprod:
      return "dotprod";
    case Isa::kI8mm:
      return "i8mm";
  }
  return "";
}

// Whether this build has the tier's kernels (cmake/isa.cmake).
constexpr bool is_built(Isa isa) { return !listed(isa_name(isa), INTAGLIO_ISAS_LEFT_OUT); }

// Whether kernels compiled for `kernel` may run on tier `tier` (AVX512-VNNI does not imply AVX-VNNI).
constexpr bool includes(Isa tier, Isa kernel) {
  if (kernel == Isa::kScalar || kernel == tier) return true;
  if (kernel >= Isa::kNeon) return tier >= kernel;
  if (kernel == Isa::kAvx512Vnni) return tier == Isa::kAmx;
  return kernel == Isa::kAvx2 && tier > Isa::kAvx2 && tier < Isa::kNeon;
}

// The CPU has the instructions, and the operating system saves the registers: by CPUID and XCR0, or by HWCAP.
bool cpu_has(Isa isa);
// The CPU and this build have it.
bool is_available(Isa isa);
// The best that is available, and that the operating system permits: of AMX's tiles it is asked here, not before.
Isa best_isa();

// The tier called `name`, or the best for an empty name; an error for an unknown name or one that is not available or
// not permitted.
Result<Isa> choose_isa(std::string_view name);

}  // namespace intaglio
