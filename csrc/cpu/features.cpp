#include "cpu/features.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace intaglio {
namespace {

#if defined(__x86_64__)

struct Registers {
  unsigned a, b, c, d;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
  Registers r{};
  __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);  // leaves r zero where the CPU lacks the leaf
  return r;
}

// XCR0: the register states the operating system saves.
std::uint64_t saved_states() {
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

constexpr bool bit(unsigned word, int index) { return ((word >> index) & 1) != 0; }

CpuInfo detect() {
  const Registers base = cpuid(1, 0);
  const Registers extended = cpuid(7, 0);
  const Registers extended1 = extended.a >= 1 ? cpuid(7, 1) : Registers{};
  constexpr std::uint64_t kYmm = 0x06, kZmm = 0xE6, kTiles = 0x60000;
  const std::uint64_t saved = bit(base.c, 27) ? saved_states() : 0;
  const bool ymm = (saved & kYmm) == kYmm && bit(base.c, 28);
  const bool zmm = ymm && (saved & kZmm) == kZmm;
  const bool tiles = (saved & kTiles) == kTiles;

  CpuInfo info{{},
               {{"avx2", ymm && bit(extended.b, 5)},
                {"bmi2", bit(extended.b, 8)},
                {"fma", ymm && bit(base.c, 12)},
                {"avx_vnni", ymm && bit(extended1.a, 4)},
                {"avx512f", zmm && bit(extended.b, 16)},
                {"avx512dq", zmm && bit(extended.b, 17)},
                {"avx512bw", zmm && bit(extended.b, 30)},
                {"avx512vl", zmm && bit(extended.b, 31)},
                {"avx512_vnni", zmm && bit(extended.c, 11)},
                {"amx_tile", tiles && bit(extended.d, 24)},
                {"amx_int8", tiles && bit(extended.d, 25)}}};
  for (unsigned i = 0; i < 3; ++i) {
    const Registers part = cpuid(0x80000002u + i, 0);
    std::memcpy(info.name + 16 * i, &part, 16);
  }
  return info;
}

#elif defined(__aarch64__)

constexpr bool bit(unsigned long word, int index) { return ((word >> index) & 1) != 0; }

CpuInfo detect() {
#if defined(__linux__)
  const unsigned long low = getauxval(AT_HWCAP), high = getauxval(AT_HWCAP2);
#else
  const unsigned long low = 1UL << 1, high = 0;  // what every 64-bit Arm CPU has
#endif
  return {{}, {{"asimd", bit(low, 1)}, {"asimddp", bit(low, 20)}, {"i8mm", bit(high, 13)}}};
}

#else

CpuInfo detect() {
  CpuInfo info;
  return info;
}

#endif

}  // namespace

CpuInfo cpu_info() { return detect(); }

bool request_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace intaglio
