// A rectangle of the images of an NHWC tensor that may reach beyond them, as lines of memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/planner.h"

namespace intaglio {

// Rows [first_row, first_row + rows) and columns likewise of every image.
struct InputRegion {
  std::int64_t first_row = 0, rows = 0;
  std::int64_t first_column = 0, columns = 0;
};

struct PaddedLines {
  std::int64_t images = 0, height = 0, width = 0, position_bytes = 0;  // of the tensor
  InputRegion region;
  int fill = 0;  // the bytes of positions outside the images

  // Whether the tensor itself has all of the rectangle, whose first position is then at tensor_offset().
  bool inside() const;
  std::ptrdiff_t tensor_offset() const { return (region.first_row * width + region.first_column) * position_bytes; }

  // Lines of all images, one after another.
  std::int64_t count() const { return images * region.rows; }
  std::int64_t line_bytes() const { return region.columns * position_bytes; }

  // Copies lines to their places in `lines`, which is where line 0 would lie.
  void copy(const std::uint8_t* tensor, Range range, std::uint8_t* lines) const;
};

}  // namespace intaglio
