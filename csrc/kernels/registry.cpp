#include "kernels/registry.h"

#include <cstddef>

#include "ops/built.h"

namespace intaglio {

#define KERNEL(family, type, symbol, tier) extern const type symbol;
#include "kernels/kernels.inc"
#undef KERNEL

namespace {

// Families of kernels that something in this build runs: others are not linked.
struct Families {
  bool gemm = true, depthwise = true, depthwise_wide = true, vector = true;
  bool winograd_products = kBuiltOps.sums, winograd_transforms = kBuiltOps.sums;
  bool float_gemm = kBuiltOps.float32;
  bool float_vector = kBuiltOps.float32 || kBuiltOps.integer || kBuiltOps.lstm || kBuiltOps.detection;
};
constexpr Families kWanted;

constexpr Kernels find(Isa tier) {
  Kernels found{};
  found.isa = tier;
  Families missing = kWanted;
#define KERNEL(family, type, symbol, isa)               \
  if constexpr (kWanted.family && is_built(Isa::isa)) { \
    if (missing.family && includes(tier, Isa::isa)) {   \
      found.family = &symbol;                           \
      missing.family = false;                           \
    }                                                   \
  }
#include "kernels/kernels.inc"
#undef KERNEL
  return found;
}

}  // namespace

const Kernels& kernels_for(Isa tier) {
  static constexpr Kernels tiers[] = {find(Isa::kScalar), find(Isa::kAvx2), find(Isa::kAvxVnni), find(Isa::kAvx512Vnni),
                                      find(Isa::kAmx),    find(Isa::kNeon), find(Isa::kDotprod), find(Isa::kI8mm)};
  return tiers[static_cast<std::size_t>(tier)];
}

}  // namespace intaglio
