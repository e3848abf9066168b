// The copy that transpose, slice, concat, pad and broadcast_to come down to.
#pragma once

#include "ops/nd_loop.h"
#include "runtime/planner.h"

namespace intaglio {

// Loops over source (operand 0) and destination (operand 1), in elements; at least one element.
struct StridedCopy {
  NdLoop<2> loop;
  std::int64_t from = 0, to = 0;  // of the first element
};

// Copies from the tensor `input` to the node's output.
Status emit_copy(const Node& node, Planner& planner, const StridedCopy& copy, std::int64_t input);

}  // namespace intaglio
