// Elementwise ops of two int8 operands that broadcast.
#pragma once

#include "kernels/vector.h"
#include "model/model.h"
#include "runtime/planner.h"

namespace intaglio {

// Both inputs and the output are quantized int8, and the output's shape is what the inputs broadcast to.
Status check_binary(const Node& node, const Model& model);

// `parameters` lives as long as the plan.
Status emit_binary(const Node& node, Planner& planner, const Named<BinaryFunction>& kernel,
                   const BinaryParameters* parameters);

}  // namespace intaglio
