#include "gemm/padded_lines.h"

#include <algorithm>
#include <cstring>

namespace intaglio {

bool PaddedLines::inside() const {
  return region.first_row >= 0 && region.first_row + region.rows <= height && region.first_column >= 0 &&
         region.first_column + region.columns <= width;
}

void PaddedLines::copy(const std::uint8_t* tensor, Range range, std::uint8_t* lines) const {
  const std::int64_t left = std::clamp<std::int64_t>(-region.first_column, 0, region.columns);
  const std::int64_t last = std::clamp<std::int64_t>(width - region.first_column, left, region.columns);
  const auto bytes = [&](std::int64_t positions) { return static_cast<std::size_t>(positions * position_bytes); };
  std::uint8_t* to = lines + range.begin * line_bytes();
  for (std::int64_t line = range.begin; line < range.end; ++line) {
    const std::int64_t row = region.first_row + line % region.rows;
    if (row < 0 || row >= height) {
      std::memset(to, fill, bytes(region.columns));
      to += bytes(region.columns);
      continue;
    }
    const std::int64_t position = (line / region.rows * height + row) * width + region.first_column + left;
    std::memset(to, fill, bytes(left));
    to += bytes(left);
    if (last > left) std::memcpy(to, tensor + position * position_bytes, bytes(last - left));
    to += bytes(last - left);
    std::memset(to, fill, bytes(region.columns - last));
    to += bytes(region.columns - last);
  }
}

}  // namespace intaglio
