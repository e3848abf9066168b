// Any depthwise convolution: cells of a band of rows are made in memory, then its outputs are computed from them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise.h"
#include "ops/depthwise_channels.h"
#include "runtime/planner.h"

namespace intaglio {

// The rows of cells a band of output rows shares. Input rows `dilation_h` apart are numbered from the first one that
// the band's first window touches; row k lies in group k / group_rows. An output row starts `advance` rows after the
// one before it. Every `cycle` output rows the windows lie alike in their groups and have the same packed weights.
struct DepthwiseBand {
  std::int64_t rows = 1;     // output rows
  std::int64_t groups = 1;   // of input rows
  std::int64_t advance = 0;  // input rows
  std::int64_t cycle = 1;    // output rows, at most kMaxGroupRows
  std::int64_t cycle_groups = 0;
};

// The cells of one group, segment of columns and channel block are `fold` *streams*, or as many as the window touches:
// stream p holds the padded columns p, p + fold, ... from the segment's first on. Chunks that run on from column to
// column need outputs that are neighbours to read cells that are: then fold is stride_w, and 1 otherwise.
struct DepthwiseStream {
  std::int64_t phase = 0;           // p
  std::int64_t first = 0, end = 0;  // the stream's columns in [first, end) are inside the input, the others are padding
  std::int64_t columns = 0;
  std::int64_t input_column = 0;  // of the stream's column `first`
};

// The weights of the output rows at one place in the cycle.
struct DepthwisePlace {
  const std::byte* weights = nullptr;  // [tap][out_channels + chunk] cells
  const std::ptrdiff_t* taps = nullptr;
  std::size_t tap_count = 0;
  std::int64_t first_group = 0;
};

struct BandPlan {
  static constexpr std::size_t kMaxGroupRows = 4;

  const DepthwiseKernels* kernels = nullptr;
  DepthwiseShape shape;
  DepthwiseBand band;
  std::int64_t block = 0;  // channels done together; the last block may overlap the one before
  // Every column is a site, in whole chunks; otherwise chunks run on from column to column.
  bool whole_chunks = false;
  std::int64_t fold = 1;
  std::int64_t segment = 0;                  // output columns done together
  const DepthwiseStream* streams = nullptr;  // [segments][stream_count]
  std::int64_t stream_count = 0;
  std::int64_t stream_columns = 0;  // the most
  std::int64_t stream_bytes = 0;
  std::int64_t group_bytes = 0;
  std::int64_t scratch_bytes = 0;             // of one part: cells, then rows repeated for the channel multiplier
  std::int64_t repeated_row_bytes = 0;        // 0 where the multiplier is 1
  DepthwisePlace places[kMaxGroupRows];       // [band.cycle]
  DepthwiseOutputs outputs;                   // what is common to all output rows
  const std::uint8_t* padding_row = nullptr;  // one row of zero points
  std::uint32_t padding_cell = 0;
  Slot x, y;
  PartSlots scratch;
};

// Chooses band, segment, block and streams, and sizes the scratch memory. Needs `kernels` and `shape`.
Status plan_bands(const Node& node, Planner& planner, BandPlan& plan);

// Lays out weights and arrays per channel for a plan.
Status pack_bands(const Node& node, Planner& planner, const SumParameters& parameters, BandPlan& plan);

void run_bands(const void* arguments, const Memory& memory, int part, int parts);

// Fills in what the step runs, and reduces its parts to what the shape can have.
Status prepare_bands(const Node& node, Planner& planner, const SumParameters& parameters, const DepthwiseShape& shape,
                     const DepthwiseKernels& kernels, Step& step);

}  // namespace intaglio
