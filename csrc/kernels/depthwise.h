// The micro-kernels of depthwise convolution, and the contract between them and csrc/ops.
//
// A *cell* is four bytes: the values of one channel and column in `group_rows` rows that lie under one another in the
// window (4 uint8, or 2 uint16 where weights need 16 bits). Interleaving turns rows of input into cells; one dot
// instruction per vector of cells then takes that many vertical taps at once. Cells and outputs are flat arrays over
// (column, channel): a vector may span several columns when channels are few.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"

namespace intaglio {

inline constexpr std::size_t kCellBytes = 4;

// Makes cells of `runs` runs of `width` bytes of each row, in ascending order. Reads up to 63 bytes past the end of a
// run and writes up to DepthwiseKernels::chunk - 1 cells past the end of its cells.
struct DepthwiseInterleave {
  const std::uint8_t* const* rows = nullptr;  // DepthwiseKernels::group_rows addresses
  std::size_t runs = 0;
  std::size_t width = 0;
  std::ptrdiff_t run_step = 0;  // bytes from one run to the next in every row
  std::uint8_t* cells = nullptr;
  std::ptrdiff_t cells_step = 0;  // bytes from one run to the next
};

// Computes outputs: output i is the sum over the taps of cell i of the tap times the weights of its channel.
//
// Outputs come in sites of `width`. A lane has the same channel at every site, so sites share the loads of weights. A
// site is done in chunks, of which the last overlaps the one before where width is not a multiple of chunk. Arrays per
// channel are periodic: entry i belongs to channel i % period, and they hold period + chunk entries so that a chunk may
// start at any channel.
struct DepthwiseOutputs {
  const std::uint8_t* cells = nullptr;
  const std::ptrdiff_t* taps = nullptr;  // byte offset of each tap's first cell from `cells`
  std::size_t tap_count = 0;
  // 3: taps come in threes of which each reads one site further than the one before, so that sites share the loads of
  // cells too. Otherwise 1.
  int run = 1;
  const std::byte* weights = nullptr;  // [tap][period + chunk] cells: 4 int8, or 2 int16
  std::size_t weight_step = 0;         // bytes from one tap to the next
  const std::int32_t* bias = nullptr;  // zero-point corrections folded in
  Requantization requantization;       // arrays laid out as `bias`
  std::size_t period = 0;
  std::size_t chunk_modulo_period = 0;
  std::size_t width = 0;  // at least chunk
  std::size_t sites = 0;
  std::size_t rest = 0;           // outputs of one more site, which is shorter
  std::ptrdiff_t cells_step = 0;  // bytes from one site to the next
  std::uint8_t* out = nullptr;
  std::ptrdiff_t out_step = 0;  // bytes from one site to the next
};

// A sweep computes whole rows of outputs of 3x3 windows, one row with stride 2, or two with stride 1, which one group
// of four rows holds. Every column is done in the chunks of channels of sweep_chunk(). Arrays per channel have an entry
// for each channel of every chunk.
struct DepthwiseSweep {
  const std::uint8_t* rows[4] = {};  // the first column inside the input
  std::size_t before = 0;            // columns of padding before it, at most 2
  std::size_t inside = 0;            // columns inside; all others are padding
  std::uint32_t padding_cell = 0;
  std::size_t channels = 0;
  const std::byte* weights = nullptr;  // [chunk of channels][row][tap][entry] cells
  const std::int32_t* bias = nullptr;  // zero-point corrections folded in
  Requantization requantization;       // arrays laid out as `bias`
  std::size_t columns = 0;             // outputs in a row
  std::uint8_t* out = nullptr;
  std::ptrdiff_t out_row_step = 0;  // bytes from one row to the next
};

constexpr int sweep_rows(int stride) { return stride == 1 ? 2 : 1; }

// Channels that a sweep does together.
struct SweepChunk {
  std::size_t first, width;
};

// Whole chunks, then a half or whole one that overlaps the one before. Channels that do not fill half a chunk take one
// chunk all the same, of several columns.
constexpr SweepChunk sweep_chunk(std::size_t channels, std::size_t chunk, std::size_t index) {
  const std::size_t first = index * chunk, half = chunk / 2;
  if (first + chunk <= channels || channels < half) return {first, chunk};
  return first + half < channels ? SweepChunk{channels - chunk, chunk} : SweepChunk{channels - half, half};
}

constexpr std::size_t sweep_chunks(std::size_t channels, std::size_t chunk) { return (channels + chunk - 1) / chunk; }

// Entries of all chunks.
constexpr std::size_t sweep_entries(std::size_t channels, std::size_t chunk) {
  const std::size_t last = sweep_chunks(channels, chunk) - 1;
  return last * chunk + sweep_chunk(channels, chunk, last).width;
}

// The channel of an entry. A whole chunk has 4 vectors of lanes, half a chunk 2, and each of them its share, next to
// one another, of every 16 channels.
constexpr std::size_t sweep_channel(std::size_t channels, std::size_t chunk, std::size_t entry) {
  const SweepChunk at = sweep_chunk(channels, chunk, entry / chunk);
  const std::size_t lanes = chunk / 4, share = 16 / (at.width / lanes);
  const std::size_t vector = entry % chunk / lanes, lane = entry % lanes;
  return (at.first + lane / share * 16 + vector * share + lane % share) % channels;
}

// Computes all channels of one output position.
struct DepthwiseDirect {
  const std::uint8_t* const* taps = nullptr;  // [tap_count]: the first channel of each position in the window
  std::size_t tap_count = 0;
  const std::int8_t* weights = nullptr;  // [tap_count][channels]
  const std::int32_t* bias = nullptr;    // [channels], zero-point corrections folded in
  Requantization requantization;         // likewise
  std::size_t channels = 0;
  std::uint8_t* out = nullptr;
};

struct DepthwiseKernels {
  const char* name;
  std::size_t group_rows;  // rows in a cell: 4 (int8 weights) or 2 (int16 weights)
  std::size_t chunk;       // outputs computed together
  void (*interleave)(const DepthwiseInterleave& work);
  void (*outputs)(const DepthwiseOutputs& work);
  void (*sweep[2])(const DepthwiseSweep& work);  // of stride 1 and 2; or nullptr
  void (*direct)(const DepthwiseDirect& work);   // of CPUs without vectors; or nullptr
  std::int32_t input_offset = 0;  // taken from every byte that is made a cell; the bias has to make up for it
};

}  // namespace intaglio
