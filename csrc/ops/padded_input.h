// A rectangle of an NHWC tensor that may reach beyond it, as memory in which every position exists.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "runtime/planner.h"

namespace intaglio {

// Rows [first_row, first_row + rows) and columns likewise of every image; positions outside hold the zero point,
// float32 ones +0.
struct InputRegion {
  std::int64_t first_row = 0, rows = 0;
  std::int64_t first_column = 0, columns = 0;
};

// Position (image, row, column) of the region lies at slot + offset + image * image_stride + row * row_stride + column
// * the size of a position, in bytes.
struct InputView {
  Slot slot;
  std::ptrdiff_t offset = 0;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t image_stride = 0;
};

// The tensor itself where the region lies within it, else a copy that a step emitted here makes. The tensor is the
// node's first input, of rank 4.
Result<InputView> view_input(const Node& node, Planner& planner, const InputRegion& region);

}  // namespace intaglio
