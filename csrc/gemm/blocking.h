// How much of a layer one kernel call works on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"

namespace intaglio {

// Input bytes of the rows of a call, or what they take when widened: they stay in the second-level cache while the
// kernel goes over them once for every few columns.
inline constexpr std::int64_t kBlockBytes = 256 * 1024;
// Rows are cut at multiples of this, which whole tiles fill.
inline constexpr std::int64_t kRowGrain = 8;

// Bytes of one row, whose input is `stride` bytes from that of the next.
inline std::int64_t block_row_bytes(const GemmKernels& kernels, std::size_t groups, std::ptrdiff_t stride) {
  return std::max<std::int64_t>(kernels.widens ? static_cast<std::int64_t>(wide_bytes(groups)) : stride, 1);
}

// At least one grain, however long.
constexpr std::int64_t block_rows(std::int64_t row_bytes) {
  return std::max(kBlockBytes / row_bytes / kRowGrain * kRowGrain, kRowGrain);
}

}  // namespace intaglio
