// csrc/cpu/features.cpp with the features that are modelled, wherever the CPU has those that their kernels were
// compiled for.
#define cpu_info native_cpu_info
#define request_tiles native_request_tiles
#include "../../../csrc/cpu/features.cpp"
#undef cpu_info
#undef request_tiles

#include <string_view>

namespace intaglio {

CpuInfo cpu_info() {
  constexpr struct {
    std::string_view feature, runs_on;
  } kModels[] = {{"avx_vnni", "avx2"}, {"amx_tile", "avx512_vnni"}, {"amx_int8", "avx512_vnni"}};
  CpuInfo cpu = native_cpu_info();
  for (CpuFeature& feature : cpu.features) {
    for (const auto& model : kModels) {
      if (feature.name != model.feature) continue;
      for (const CpuFeature& other : cpu.features) {
        if (other.name == model.runs_on) feature.present = other.present;
      }
    }
  }
  return cpu;
}

bool request_tiles() { return true; }

}  // namespace intaglio
