// Transposed convolutions by output phases: outputs that are congruent modulo the stride meet the same taps.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "model/model.h"
#include "runtime/planner.h"

namespace intaglio {

inline constexpr std::size_t kTransposedAttrs = 6;  // stride[2], padding[4]

// One spatial axis.
struct TransposedAxis {
  std::int64_t input = 0, kernel = 0, stride = 0, before = 0, after = 0;
  std::int64_t output() const { return (input - 1) * stride + kernel - before - after; }
};

struct TransposedAxes {
  TransposedAxis height, width;
};

// Reads and checks the axes; ranks and dims of x, weight [O,kh,kw,I] and y.
Result<TransposedAxes> read_transposed(const Node& node, const Tensor& x, const Tensor& weight, const Tensor& y);

// The outputs first, first + stride, ... of one axis, which meet the kernel's taps phase, phase + stride, ...
struct Phase {
  std::int64_t phase = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t taps = 0;
  std::int64_t input = 0;  // position that tap 0 meets for the first output; tap t meets t before it
};

Phase phase_of(const TransposedAxis& axis, std::int64_t phase);

// The phases before it have taps, those from it on have none.
std::int64_t phases_with_taps(const TransposedAxis& axis);

// Calls `emit(down, across)` for all pairs of phases that have taps and outputs.
template <class Emit>
Status for_phases(const TransposedAxes& axes, const Emit& emit) {
  for (std::int64_t i = 0; i < phases_with_taps(axes.height); ++i) {
    const Phase down = phase_of(axes.height, i);
    for (std::int64_t j = 0; down.count != 0 && j < phases_with_taps(axes.width); ++j) {
      const Phase across = phase_of(axes.width, j);
      if (across.count != 0) INTAGLIO_TRY(emit(down, across));
    }
  }
  return {};
}

// Where the taps of a pair of phases lie, in elements: in the input, from where the first one meets the first output,
// and in the weights of an output channel.
struct PhaseTaps {
  std::span<const std::ptrdiff_t> input, weight;
};
Result<PhaseTaps> plan_taps(const Node& node, Planner& planner, const TransposedAxes& axes, const Phase& down,
                            const Phase& across, std::ptrdiff_t row_stride, std::int64_t channels);

// Every input position that some tap meets.
struct Positions {
  std::int64_t first = 0, count = 0;
};
Positions positions_met(const TransposedAxis& axis);

}  // namespace intaglio
