// Which part of a GEMM block a run of tiles does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/divide.h"
#include "base/memory.h"
#include "kernels/gemm.h"

namespace intaglio {
namespace {

// The columns that a tile works on, as the block's arrays advanced to them.
struct TileColumns {
  const std::int8_t* weights;
  std::ptrdiff_t panel_bytes;
  const std::int32_t* bias;
  std::size_t first;  // column of the block
  std::size_t count;  // valid columns
};

// Rows [first, first + tiles * MR) of every line.
struct TileRows {
  std::size_t first;
  std::size_t tiles;
};

// The weights of the next columns or the next layer, fetched evenly while the tiles of the columns before run: the
// first tile would wait for weights that come from beyond the second-level cache. May run past the end of the weights,
// which is harmless.
struct Ahead {
  const std::int8_t* next;
  std::ptrdiff_t step;  // bytes per two groups, or per group of a run
};

// What is fetched in so many turns, which may be none: evenly, and no more than a line in each.
constexpr Ahead in_turns(const Fetch& fetch, std::size_t turns) {
  const std::size_t step = divide_up(fetch.bytes, turns > 0 ? turns : 1);
  return {fetch.first, static_cast<std::ptrdiff_t>(step < kAlignment ? step : kAlignment)};
}

// Rows shared out evenly over the fewest tiles of at most `most`: `taller` tiles have one more than `rows`.
struct RowShares {
  std::size_t rows, taller, tiles;
};
constexpr RowShares share_rows(std::size_t rows, std::size_t most) {
  const std::size_t tiles = (rows + most - 1) / most;
  return {rows / tiles, rows % tiles, tiles};
}

}  // namespace
}  // namespace intaglio
