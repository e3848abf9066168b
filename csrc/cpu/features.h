// What this CPU and operating system offer, one bit per instruction-set extension the engine can use.
#pragma once

#include <cstdint>

namespace intaglio {

struct CpuFeature {
  const char* name = "";  // as in /proc/cpuinfo
  bool present = false;   // in the CPU, with registers the operating system saves
};

inline constexpr int kMaxCpuFeatures = 11;

struct CpuInfo {
  char name[49] = {};                         // the maker's name for the CPU; empty where it gives none
  CpuFeature features[kMaxCpuFeatures] = {};  // those of this architecture, then empty ones
};

// Asks the CPU anew, which takes microseconds.
CpuInfo cpu_info();

// Asks the operating system for the tiles of AMX, which a process must before it uses them, and which stay permitted to
// all its threads.
bool request_tiles();

}  // namespace intaglio
