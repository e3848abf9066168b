// The axes of a layer's output positions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intaglio {

// One axis of output positions, with strides in bytes, of float32 layers in elements. Strides of an axis of one
// position do not matter.
struct GemmAxis {
  std::int64_t count = 1;
  std::ptrdiff_t input_stride = 0;
  std::ptrdiff_t output_stride = 0;
};

// The axes of output positions, outermost first: images, lines, rows.
inline constexpr int kGemmAxes = 3;

// Joins axes that lie end to end, so that tiles run on over their ends.
void merge_axes(GemmAxis (&axes)[kGemmAxes]);

}  // namespace intaglio
