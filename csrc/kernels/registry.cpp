#include "kernels/registry.h"

#include <cstddef>

namespace intaglio {

#define KERNEL(family, type, symbol, tier) extern const type symbol;
#include "kernels/kernels.inc"
#undef KERNEL

namespace {

Kernels find(Isa tier) {
  Kernels found{};
  found.isa = tier;
#define KERNEL(family, type, symbol, isa) \
  if (found.family == nullptr && includes(tier, Isa::isa)) found.family = &symbol;
#include "kernels/kernels.inc"
#undef KERNEL
  return found;
}

}  // namespace

const Kernels& kernels_for(Isa tier) {
  static const Kernels tiers[] = {find(Isa::kScalar), find(Isa::kAvx2), find(Isa::kAvxVnni), find(Isa::kAvx512Vnni)};
  return tiers[static_cast<std::size_t>(tier)];
}

}  // namespace intaglio
