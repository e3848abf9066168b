// Depthwise convolution position by position, with weights as files hold them and no memory but a table of addresses.
#pragma once

#include "ops/depthwise_channels.h"

namespace intaglio {

// Whether the kernels compute the layer so.
bool runs_directly(const DepthwiseKernels& kernels, const DepthwiseShape& shape, const SumParameters& parameters);

// Fills in what the step runs, and reduces its parts to what the shape can have.
Status prepare_direct(const Node& node, Planner& planner, const SumParameters& parameters, const DepthwiseShape& shape,
                      const DepthwiseKernels& kernels, Step& step);

}  // namespace intaglio
