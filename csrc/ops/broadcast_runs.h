// Elementwise loops over two operands that broadcast, as inner runs in which each stands still or advances by one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "model/model.h"
#include "ops/broadcast.h"
#include "ops/nd_loop.h"
#include "runtime/planner.h"

namespace intaglio {

struct BroadcastRuns {
  NdLoop<2> outer;                            // over a and b; y is dense
  std::int64_t count = 1;                     // elements per run
  std::int64_t advance_a = 1, advance_b = 1;  // 0 or 1, at least one of them 1

  // For a and b that broadcast to y.
  static BroadcastRuns of(const Tensor& a, const Tensor& b, const Tensor& y) {
    BroadcastRuns runs;
    const Strides from_a = broadcast_strides(a.dims, y.dims), from_b = broadcast_strides(b.dims, y.dims);
    for (std::size_t i = 0; i < y.dims.size(); ++i) runs.outer.add(y.dims[i], {from_a.at[i], from_b.at[i]});
    if (runs.outer.rank > 0) {
      const int inner = --runs.outer.rank;
      runs.count = runs.outer.count[inner];
      runs.advance_a = runs.outer.stride[inner][0];
      runs.advance_b = runs.outer.stride[inner][1];
    }
    return runs;
  }

  // The one of a kernel's loops that advances likewise.
  template <class Kernel>
  auto loop_of(const Kernel& kernel) const {
    return advance_a == 0 ? kernel.a_still : advance_b == 0 ? kernel.b_still : kernel.both;
  }

  // Calls visit(offset in a, offset in b, offset in y, count) for the elements of one part, which may begin and end
  // within a run.
  template <class Visit>
  void for_each(int part, int parts, const Visit& visit) const {
    const Range range = split(outer.total() * count, part, parts);
    std::int64_t inner = range.begin % count;
    NdPosition<2> position(outer, range.begin / count);
    for (std::int64_t i = range.begin; i < range.end;) {
      const std::int64_t length = std::min(count - inner, range.end - i);
      visit(position.offset(0) + inner * advance_a, position.offset(1) + inner * advance_b, i,
            static_cast<std::size_t>(length));
      i += length;
      inner = 0;
      position.next();
    }
  }
};

}  // namespace intaglio
