#include "cpu/isa.h"

#include <atomic>
#include <iterator>

#include "base/text.h"
#include "cpu/features.h"

namespace intaglio {
namespace {

bool has(const CpuInfo& cpu, std::string_view feature) {
  for (const CpuFeature& known : cpu.features) {
    if (feature == known.name) return known.present;
  }
  return false;
}

bool detect(const CpuInfo& cpu, Isa isa) {
  const bool avx2 = has(cpu, "avx2") && has(cpu, "bmi2") && has(cpu, "fma");
  const bool avx512_vnni = avx2 && has(cpu, "avx512f") && has(cpu, "avx512dq") && has(cpu, "avx512bw") &&
                           has(cpu, "avx512vl") && has(cpu, "avx512_vnni");
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvxVnni:
      return avx2 && has(cpu, "avx_vnni");
    case Isa::kAvx512Vnni:
      return avx512_vnni;
    case Isa::kAmx:
      return avx512_vnni && has(cpu, "amx_tile") && has(cpu, "amx_int8");
    case Isa::kNeon:
      return has(cpu, "asimd");
    case Isa::kDotprod:
      return has(cpu, "asimd") && has(cpu, "asimddp");
    case Isa::kI8mm:
      return has(cpu, "asimd") && has(cpu, "asimddp") && has(cpu, "i8mm");
  }
  return false;
}

// A bit for each tier that the CPU has, and a last one that says that they were found out. Threads that do so at once
// find the same; a local static variable would need the C++ library.
std::uint32_t cpu_tiers() {
  static constinit std::atomic<std::uint32_t> found{0};
  std::uint32_t tiers = found.load(std::memory_order_relaxed);
  if (tiers != 0) return tiers;
  const CpuInfo cpu = cpu_info();
  tiers = std::uint32_t{1} << 31;
  for (const Isa isa : kAllIsas) {
    if (detect(cpu, isa)) tiers |= std::uint32_t{1} << static_cast<int>(isa);
  }
  found.store(tiers, std::memory_order_relaxed);
  return tiers;
}

bool is_permitted(Isa isa) { return isa != Isa::kAmx || request_tiles(); }

}  // namespace

bool cpu_has(Isa isa) { return ((cpu_tiers() >> static_cast<int>(isa)) & 1) != 0; }

bool is_available(Isa isa) { return is_built(isa) && cpu_has(isa); }

Isa best_isa() {
  Isa best = Isa::kScalar;
  for (const Isa isa : kAllIsas) {
    if (is_available(isa) && is_permitted(isa)) best = isa;
  }
  return best;
}

Result<Isa> choose_isa(std::string_view name) {
  if (name.empty()) return best_isa();
  char present[128] = {};
  static_assert(sizeof(present) >= 16 * std::size(kAllIsas));
  std::size_t length = 0;
  bool known = false;
  for (const Isa isa : kAllIsas) {
    if (name == isa_name(isa)) {
      known = true;
      if (!is_built(isa)) return Status::error(Code::kIsa, "this build was made without the tier '%s'", isa_name(isa));
    }
    if (!is_available(isa)) continue;
    if (name == isa_name(isa)) {
      if (is_permitted(isa)) return isa;
      return Status::error(Code::kIsa, "the operating system does not permit the tier '%s'", isa_name(isa));
    }
    length += write_text(present + length, sizeof(present) - length, "%s%s", length > 0 ? ", " : "", isa_name(isa));
  }
  return Status::error(Code::kIsa, "%s instruction-set tier '%.*s': this CPU has %s", known ? "unavailable" : "unknown",
                       static_cast<int>(name.size() < 40 ? name.size() : 40), name.data(), present);
}

}  // namespace intaglio
