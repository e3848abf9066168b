#include "cpu/isa.h"

#include <cstdio>

#include "cpu/features.h"

namespace intaglio {
namespace {

bool has(std::string_view feature) {
  for (const CpuFeature& known : cpu_info().features) {
    if (feature == known.name) return known.present;
  }
  return false;
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvxVnni:
      return "avxvnni";
    case Isa::kAvx512Vnni:
      return "avx512vnni";
  }
  return "";
}

bool cpu_has(Isa isa) {
  const bool avx2 = has("avx2") && has("bmi2") && has("fma");
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvxVnni:
      return avx2 && has("avx_vnni");
    case Isa::kAvx512Vnni:
      return avx2 && has("avx512f") && has("avx512dq") && has("avx512bw") && has("avx512vl") && has("avx512_vnni");
  }
  return false;
}

Isa best_isa() {
  Isa best = Isa::kScalar;
  for (const Isa isa : kAllIsas) {
    if (cpu_has(isa)) best = isa;
  }
  return best;
}

Result<Isa> choose_isa(std::string_view name) {
  if (name.empty()) return best_isa();
  char present[64] = {};
  std::size_t length = 0;
  bool known = false;
  for (const Isa isa : kAllIsas) {
    known = known || name == isa_name(isa);
    if (!cpu_has(isa)) continue;
    if (name == isa_name(isa)) return isa;
    length += static_cast<std::size_t>(
        std::snprintf(present + length, sizeof(present) - length, "%s%s", length > 0 ? ", " : "", isa_name(isa)));
  }
  return Status::error(Code::kIsa, "%s instruction-set tier '%.*s': this CPU has %s", known ? "unavailable" : "unknown",
                       static_cast<int>(name.size() < 40 ? name.size() : 40), name.data(), present);
}

}  // namespace intaglio
