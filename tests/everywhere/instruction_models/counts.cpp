#include "counts.h"

#include <cstdio>
#include <cstdlib>

namespace instruction_models {

constinit Counts counts;

void fault(const char* what) {
  std::fprintf(stderr, "a modelled instruction faults: %s\n", what);
  std::abort();
}

namespace {

const struct Printer {
  ~Printer() {
    std::printf("model vpdpbusd %llu\n", static_cast<unsigned long long>(counts.vpdpbusd));
    std::printf("model vpdpwssd %llu\n", static_cast<unsigned long long>(counts.vpdpwssd));
    for (int tile = 0; tile < kTiles; ++tile) {
      const auto count = static_cast<unsigned long long>(counts.tdpbusd[tile]);
      if (count > 0) std::printf("model tdpbusd.tmm%d %llu\n", tile, count);
    }
  }
} printer;

}  // namespace
}  // namespace instruction_models
