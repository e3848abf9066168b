// What all ways of running a depthwise convolution have in common: its shape, and how channels are laid out for
// kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise.h"
#include "ops/sum_of_products.h"
#include "runtime/planner.h"

namespace intaglio {

// A checked depthwise_conv2d. Every number below 2^33; those of tensors agree with one another.
struct DepthwiseShape {
  std::int64_t batch, height, width, channels;  // of the input
  std::int64_t out_height, out_width, out_channels;
  std::int64_t kernel_h, kernel_w;
  std::int64_t stride_h, stride_w;
  std::int64_t dilation_h, dilation_w;
  std::int64_t top, left;  // padding

  std::int64_t multiplier() const { return out_channels / channels; }
};

// Arrays per channel for kernels: entry i belongs to channel(i).
struct DepthwiseEntries {
  std::int64_t channels;
  std::int64_t count;
  std::int64_t chunk;  // that of a sweep; or 0, where channels repeat from the first

  bool in_order() const { return chunk == 0 && count == channels; }
  std::int64_t channel(std::int64_t entry) const {
    if (chunk == 0) return entry % channels;
    return static_cast<std::int64_t>(sweep_channel(static_cast<std::size_t>(channels), static_cast<std::size_t>(chunk),
                                                   static_cast<std::size_t>(entry)));
  }
};

// Proves the accumulators, folds the input's zero point into the biases, and lays out these and the requantization.
Status make_channel_arrays(const Node& node, Planner& planner, const SumParameters& parameters,
                           const DepthwiseEntries& entries, std::int32_t input_offset, const std::int32_t*& bias,
                           Requantization& requantization);

// One channel's weights in column `kx` of the window, from row `ky` on: zero where there is none.
void pack_cell(const DepthwiseShape& shape, const SumParameters& parameters, std::size_t group_rows, std::int64_t ky,
               std::int64_t kx, std::int64_t channel, std::byte* cell);

// A row of the input's zero points.
Status make_padding_row(const Node& node, Planner& planner, const SumParameters& parameters,
                        const DepthwiseShape& shape, const std::uint8_t*& row);

// The cell of a column of padding.
std::uint32_t padding_cell(const DepthwiseKernels& kernels, std::int32_t zero_point);

}  // namespace intaglio
