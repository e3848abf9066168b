// How often the modelled instructions ran: proof that kernels reached them.
#pragma once

#include <atomic>
#include <cstdint>

namespace instruction_models {

inline constexpr int kTiles = 8;

struct Counts {
  std::atomic<std::uint64_t> vpdpbusd{0}, vpdpwssd{0};
  std::atomic<std::uint64_t> tdpbusd[kTiles] = {};  // by the tile that they add to
};

// Printed when the program ends, as lines of `model <instruction> <count>`.
extern Counts counts;

// Says what is wrong and aborts: the instruction would fault.
[[noreturn]] void fault(const char* what);

}  // namespace instruction_models
