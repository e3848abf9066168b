// A rectangle of an NHWC tensor that may reach beyond it, as memory in which every position exists.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "gemm/padded_lines.h"
#include "runtime/planner.h"

namespace intaglio {

// Position (image, row, column) of the region lies at slot + offset + image * image_stride + row * row_stride + column
// * the size of a position, in bytes.
struct InputView {
  Slot slot;
  std::ptrdiff_t offset = 0;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t image_stride = 0;
};

// A region of the node's first input, of rank 4; positions outside hold the zero point, float32 ones +0.
__attribute__((cold)) Result<PaddedLines> read_lines(const Node& node, const Model& model, const InputRegion& region);

// The tensor itself where the region lies within it, else a copy that a step emitted here makes.
__attribute__((cold)) Result<InputView> view_input(const Node& node, Planner& planner, const InputRegion& region);

}  // namespace intaglio
