#include "gemm/axes.h"

#include <algorithm>

namespace intaglio {

void merge_axes(GemmAxis (&axes)[kGemmAxes]) {
  GemmAxis merged[kGemmAxes];
  int innermost = kGemmAxes - 1;
  merged[innermost] = axes[innermost];
  for (int axis = kGemmAxes - 2; axis >= 0; --axis) {
    const GemmAxis& outer = axes[axis];
    GemmAxis& inner = merged[innermost];
    if (outer.count == 1) continue;
    if (inner.count == 1) {
      inner = outer;
    } else if (outer.input_stride == inner.count * inner.input_stride &&
               outer.output_stride == inner.count * inner.output_stride) {
      inner.count *= outer.count;
    } else {
      merged[--innermost] = outer;
    }
  }
  std::copy(merged, merged + kGemmAxes, axes);
}

}  // namespace intaglio
