// The kernels of Winograd convolution F(4x4, 3x3), and the contract between them and csrc/gemm
// (docs/adr/0013-winograd-in-integers.md).
//
// A tile is 4x4 outputs of a 3x3 convolution of stride 1. Its 6x6 inputs become 36 numbers for each channel, its 3x3
// weights 36 for each channel and column; products of numbers alike are summed over channels, and of the 36 sums of a
// column become 16 outputs: 36 multiplications for 144.
//
// A tile of at most two rows or columns of outputs is short: its patch has four, and along that axis it lacks two of
// the six numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"

namespace intaglio {

inline constexpr std::size_t kTileSide = 4;   // rows and columns of a tile's outputs
inline constexpr std::size_t kPatchSide = 6;  // and of its inputs, its patch
inline constexpr std::size_t kPatchProducts = kPatchSide * kPatchSide;
// The same of short tiles, along the axis where they are, and which of the six numbers they lack there.
inline constexpr std::size_t kShortSide = 2;
inline constexpr std::size_t kShortPatchSide = 4;
constexpr bool short_lacks(std::size_t number) { return number == 3 || number == 4; }
inline constexpr std::size_t kWindowSide = 3;
inline constexpr std::size_t kWindowWeights = kWindowSide * kWindowSide;
inline constexpr std::size_t kGroupChannels = kGroupBytes / sizeof(std::int16_t);
// The product whose sums take the bias, and how many times: it then enters all outputs of the tile alike.
inline constexpr std::size_t kBiasProduct = kPatchSide + 1;
inline constexpr std::uint32_t kBiasFactor = 36;
// Transformed sums are this many bits to the left, modulo 2^32: accumulators have to be in
// [-kAccumulatorEnd, kAccumulatorEnd).
inline constexpr int kSumShift = 6;
inline constexpr std::int64_t kAccumulatorEnd = std::int64_t{1} << (31 - kSumShift);

// Tiles next to one another, their inputs to be transformed. Numbers that short tiles lack become 0.
struct WinogradInputs {
  const std::uint8_t* input = nullptr;  // the first position of the first tile's patch
  std::ptrdiff_t row_stride = 0;        // bytes
  std::ptrdiff_t position_stride = 0;
  std::size_t tiles = 0;
  bool short_rows = false, short_columns = false;  // of all the tiles
  std::size_t channels = 0;        // a multiple of WinogradTransforms::channels: reads as many bytes of every position
  std::int16_t* output = nullptr;  // [36][tile][channels]
  std::ptrdiff_t product_stride = 0;  // elements from one of the 36 to the next
};

// Transformed weights are made for two rows of products at a time, so that they stay in the second-level cache: rows
// that have most of the work in common.
inline constexpr std::size_t kRowPairs[][2] = {{0, 5}, {1, 2}, {3, 4}};
inline constexpr std::size_t kPairProducts = 2 * kPatchSide;

// The weights of one panel of columns, to be transformed into as many panels of int16.
struct WinogradWeights {
  const std::int8_t* input = nullptr;  // [group of two channels][3x3][column][channel]
  std::size_t groups = 0;
  std::size_t pair = 0;               // of kRowPairs
  std::int16_t* output = nullptr;     // [kPairProducts][group][column][channel]
  std::ptrdiff_t product_stride = 0;  // elements from one product to the next
};

// Tiles next to one another, the sums of one panel of columns to be transformed and requantized. Of numbers that short
// tiles lack they are 0.
struct WinogradOutputs {
  const std::int32_t* sums = nullptr;  // [36][tile][columns]
  std::ptrdiff_t product_stride = 0;   // elements from one of the 36 to the next
  std::ptrdiff_t tile_stride = 0;
  std::size_t tiles = 0;                           // one, if it has short columns
  bool short_rows = false, short_columns = false;  // of all the tiles
  Requantization requantization;
  std::uint8_t* output = nullptr;  // the first position of the first tile
  std::ptrdiff_t row_stride = 0;   // bytes
  std::ptrdiff_t position_stride = 0;
  // What there is of rows, of positions of a row and of columns; nothing is written beyond.
  std::size_t rows = 0, positions = 0, columns = 0;
};

inline constexpr int kLeastProductRows = 2;

// One of the 36 products of a block of columns, a matrix product of int16.
struct WinogradProduct {
  const std::uint8_t* input = nullptr;   // [row][channel] int16
  std::ptrdiff_t input_stride = 0;       // bytes from one row to the next
  std::size_t rows = 0;                  // tiles, at least kLeastProductRows
  std::size_t groups = 0;                // of channels
  const std::int8_t* weights = nullptr;  // panels as in gemm.h, of two int16 to a group
  const std::int32_t* bias = nullptr;    // [column]
  std::int32_t* sums = nullptr;          // [row][column]
  Fetch next;                            // what to fetch meanwhile
};

// Costs are estimates of picoseconds on one CPU: their ratios matter.
struct WinogradTransforms {
  std::size_t channels;  // channels are transformed in multiples of this
  double input_cost;     // one channel of a tile
  double output_cost;    // one column of a tile
  double weight_cost;    // one weight of one tap
  void (*inputs)(const WinogradInputs& tiles);
  void (*weights)(const WinogradWeights& weights);
  void (*outputs)(const WinogradOutputs& tiles);
};

struct WinogradProducts {
  const char* name;
  std::size_t columns;         // what multiply() does: whole panels
  double product_cost;         // a multiply-accumulate of multiply()
  const GemmKernels* windows;  // what tiles are compared with: tiers that have another do not take them
  double window_cost;          // a multiply-accumulate of that, all told
  void (*multiply)(const WinogradProduct& product);
};

}  // namespace intaglio
