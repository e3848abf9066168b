// A scalar model of AMX-INT8 in the place of its intrinsics: kernel files are compiled with this included first. What
// would fault in a CPU aborts.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "counts.h"

namespace instruction_models {
namespace {

constexpr int kMaxRows = 16, kMaxRowBytes = 64;

struct Tile {
  int rows = 0, row_bytes = 0;
  std::uint8_t bytes[kMaxRows][kMaxRowBytes] = {};
};

struct Tiles {
  bool configured = false;
  Tile tile[kTiles];
};

inline Tiles& tiles() {
  static thread_local Tiles state;
  return state;
}

inline void check(bool holds, const char* what) {
  if (!holds) fault(what);
}

inline Tile& tile(int number) {
  check(tiles().configured, "tiles are not configured");
  Tile& t = tiles().tile[number];
  check(t.rows > 0 && t.row_bytes > 0, "this tile is not configured");
  return t;
}

inline void zero(Tile& t) { std::memset(t.bytes, 0, sizeof(t.bytes)); }

inline void ldtilecfg(const void* memory) {
  std::uint8_t bytes[64];
  std::memcpy(bytes, memory, sizeof(bytes));
  check(bytes[0] == 1, "a palette other than 1");
  for (int i = 1; i < 16; ++i) check(bytes[i] == 0, "a start row, or reserved bytes that are not zero");
  Tiles configured;
  configured.configured = true;
  for (int i = 0; i < 16; ++i) {
    const int row_bytes = bytes[16 + 2 * i] | bytes[17 + 2 * i] << 8, rows = bytes[48 + i];
    check(i < kTiles || (row_bytes == 0 && rows == 0), "a tile that does not exist");
    check(row_bytes <= kMaxRowBytes && rows <= kMaxRows, "a tile that is too large");
    check((row_bytes == 0) == (rows == 0), "rows without bytes, or bytes without rows");
    if (i < kTiles) configured.tile[i].rows = rows, configured.tile[i].row_bytes = row_bytes;
  }
  tiles() = configured;
}

inline void tilerelease() { tiles() = Tiles(); }

inline void tilezero(int number) { zero(tile(number)); }

inline void tileloadd(int number, const void* base, std::ptrdiff_t stride) {
  Tile& t = tile(number);
  zero(t);
  for (int row = 0; row < t.rows; ++row) {
    std::memcpy(t.bytes[row], static_cast<const char*>(base) + row * stride, static_cast<std::size_t>(t.row_bytes));
  }
}

inline void tilestored(int number, void* base, std::ptrdiff_t stride) {
  const Tile& t = tile(number);
  for (int row = 0; row < t.rows; ++row) {
    std::memcpy(static_cast<char*>(base) + row * stride, t.bytes[row], static_cast<std::size_t>(t.row_bytes));
  }
}

inline void tdpbusd(int sums, int input, int weights) {
  Tile &c = tile(sums), &a = tile(input), &b = tile(weights);
  check(sums != input && sums != weights && input != weights, "a tile in two places");
  check(a.row_bytes % 4 == 0 && b.row_bytes % 4 == 0 && c.row_bytes % 4 == 0, "rows that are not of dwords");
  check(c.rows == a.rows && c.row_bytes == b.row_bytes && a.row_bytes / 4 == b.rows, "shapes that do not match");
  counts.tdpbusd[sums].fetch_add(1, std::memory_order_relaxed);
  for (int row = 0; row < c.rows; ++row) {
    std::uint32_t sum[kMaxRowBytes / 4];
    std::memcpy(sum, c.bytes[row], sizeof(sum));
    for (int group = 0; group < b.rows; ++group) {
      for (int i = 0; i < b.row_bytes; ++i) {
        const int x = a.bytes[row][group * 4 + i % 4], w = static_cast<std::int8_t>(b.bytes[group][i]);
        sum[i / 4] += static_cast<std::uint32_t>(x * w);
      }
    }
    std::memcpy(c.bytes[row], sum, sizeof(sum));
  }
}

}  // namespace
}  // namespace instruction_models

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbusd
#define _tile_loadconfig instruction_models::ldtilecfg
#define _tile_release instruction_models::tilerelease
#define _tile_zero instruction_models::tilezero
#define _tile_loadd instruction_models::tileloadd
#define _tile_stored instruction_models::tilestored
#define _tile_dpbusd instruction_models::tdpbusd
