// The checksums of docs/format.md and the UTF-8 check, over a whole file at memory speed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace intaglio {

struct Checksums {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};

// Of the little-endian words in `bytes`, whose size is a multiple of 8.
Checksums checksum(std::span<const std::byte> bytes);

bool all_zero(std::span<const std::byte> bytes);
bool valid_utf8(std::string_view text);

}  // namespace intaglio
