// Depthwise convolution with 3x3 windows of many channels: sums stay in registers while the window moves along a row.
#pragma once

#include "ops/depthwise_channels.h"

namespace intaglio {

// Whether the kernels have a sweep for the shape and requantization.
bool sweeps(const DepthwiseKernels& kernels, const DepthwiseShape& shape,
            const RequantizationParameters& requantization);

// Fills in what the step runs, and reduces its parts to what the shape can have.
Status prepare_sweep(const Node& node, Planner& planner, const SumParameters& parameters, const DepthwiseShape& shape,
                     const DepthwiseKernels& kernels, Step& step);

}  // namespace intaglio
