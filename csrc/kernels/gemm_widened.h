// GEMM blocks whose operands are widened to int16 before they are multiplied, once instead of with every use: the rows
// of the block, then one panel of weights after another, into the block's scratch memory. A group of four bytes becomes
// two of two int16 each, which gemm_impl.h sums as any groups. Two types describe the instruction set: `WordsIsa` as
// gemm_impl.h says, with kOneRun and tiles of one panel, and `BytesIsa`, which takes lines of one row and supplies
//
//   kWidened                    bytes of input that widen() takes at a time
//   widen(from, to)             to int16, of each group the even bytes and then the odd ones; may read all kWidened
//                               bytes, and write as many int16
//   load_weights(p)             as gemm_impl.h says, with members `even` and `odd`
//   store_weights(p, half)      one of these, aligned
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm_impl.h"

namespace intaglio {
namespace {

// Runs of `groups` groups; returns where the next run goes. What is written beyond is overwritten by that.
template <class BytesIsa>
std::uint8_t* widen_run(const std::uint8_t* from, std::size_t groups, std::uint8_t* to) {
  const std::size_t bytes = groups * kGroupBytes;
  std::size_t i = 0;
  do {
    BytesIsa::widen(from + i, to + 2 * i);
    i += BytesIsa::kWidened;
  } while (i < bytes);
  return to + wide_bytes(groups);
}

// All rows of all lines, without gaps.
template <class BytesIsa>
void widen_rows(const GemmBlock& block, std::uint8_t* to) {
  const GemmBlock a = block;  // a copy, for the numbers stored below might alias it
  const auto row_bytes = static_cast<std::ptrdiff_t>(a.groups * kGroupBytes);
  const std::size_t groups_of_run = (a.depth + kGroupBytes - 1) / kGroupBytes;
  const std::int32_t* const offsets_end = a.offsets + a.groups;
  const std::uint8_t* line = a.input;
  for (std::size_t l = 0; l < a.lines; ++l, line += a.input_line_stride) {
    if (a.one_run && a.input_row_stride == row_bytes) {
      to = widen_run<BytesIsa>(line, a.rows * a.groups, to);
      continue;
    }
    const std::uint8_t* row = line;
    for (std::size_t r = 0; r < a.rows; ++r, row += a.input_row_stride) {
      for (const std::int32_t* offset = a.offsets; offset != offsets_end; offset += groups_of_run) {
        to = widen_run<BytesIsa>(row + *offset, groups_of_run, to);
      }
    }
  }
}

template <class BytesIsa>
void widen_panel(const std::int8_t* from, std::size_t groups, std::int8_t* to) {
  constexpr int kVectorBytes = int{panel_bytes(1)} / BytesIsa::kVectors;
  for (; groups != 0; --groups, from += panel_bytes(1), to += panel_bytes(2)) {
#pragma GCC unroll 2
    for (int v = 0; v < BytesIsa::kVectors; ++v) {
      const typename BytesIsa::Weights weights = BytesIsa::load_weights(from + v * kVectorBytes);
      BytesIsa::store_weights(to + v * kVectorBytes, weights.even);
      BytesIsa::store_weights(to + panel_bytes(1) + v * kVectorBytes, weights.odd);
    }
  }
}

// All lines and rows of the block for one panel.
template <class WordsIsa>
void run_wide_panel(const GemmBlock& block, const TileColumns& columns, const Fetch& next) {
  constexpr std::size_t kLeast = kLeastWideRows, kMost = kLeast + 2;
  static_assert(kMost == WordsIsa::template kRows<1>);
  static constexpr TileFunction kByRows[] = {&run_tiles<WordsIsa, kLeast, 1>, &run_tiles<WordsIsa, kLeast + 1, 1>,
                                             &run_tiles<WordsIsa, kMost, 1>};
  const RowShares shares = share_rows(block.rows, kMost);
  Ahead ahead = in_turns(next, block.lines * shares.tiles * block.groups);
  if (shares.rows < kLeast) {  // 7: the second tile overlaps the first, and stores the same bytes again
    kByRows[0](block, columns, {0, 1}, ahead);
    return kByRows[0](block, columns, {block.rows - kLeast, 1}, ahead);
  }
  const TileFunction* const run = kByRows + (shares.rows - kLeast);
  if (shares.taller != 0) run[1](block, columns, {0, shares.taller}, ahead);
  run[0](block, columns, {shares.taller * (shares.rows + 1), shares.tiles - shares.taller}, ahead);
}

// Rows too few for tiles.
template <class BytesIsa>
void run_few_rows(const GemmBlock& block, const TileColumns& columns) {
  GemmBlock line = block;
  line.lines = block.rows;
  line.rows = 1;
  line.input_line_stride = block.input_row_stride;
  line.output_line_stride = block.output_row_stride;
  for (std::size_t l = 0; l < block.lines; ++l) {
    run_single_rows<BytesIsa>(line, columns);
    line.input += block.input_line_stride;
    line.output += block.output_line_stride;
    if (line.row_bias != nullptr) line.row_bias += block.rows;
  }
}

template <class BytesIsa, class WordsIsa>
void run_widened(const GemmBlock& block) {
  GemmBlock wide = block;
  if (block.output_line_stride == static_cast<std::ptrdiff_t>(block.rows) * block.output_row_stride) {
    wide.rows = block.lines * block.rows;
    wide.lines = 1;
  }
  TileColumns columns = {block.weights, static_cast<std::ptrdiff_t>(panel_bytes(block.groups)), block.bias, 0, 0};
  if (wide.rows < kLeastWideRows) return run_few_rows<BytesIsa>(block, columns);

  auto* const rows = reinterpret_cast<std::uint8_t*>(block.scratch);
  widen_rows<BytesIsa>(block, rows);
  const std::size_t row_bytes = wide_bytes(block.groups);
  wide.input = rows;
  wide.input_row_stride = static_cast<std::ptrdiff_t>(row_bytes);
  wide.input_line_stride = static_cast<std::ptrdiff_t>(wide.rows * row_bytes);
  wide.groups = 2 * block.groups;
  auto* const panel =
      reinterpret_cast<std::int8_t*>(block.scratch) + wide_rows_bytes(block.lines * block.rows, block.groups);
  columns.weights = panel;
  const std::int8_t* weights = block.weights;
  for (; columns.first < block.columns; columns.first += kPanelColumns, columns.bias += kPanelColumns) {
    widen_panel<BytesIsa>(weights, block.groups, panel);
    weights += columns.panel_bytes;
    const std::size_t left = block.columns - columns.first;
    columns.count = left < kPanelColumns ? left : kPanelColumns;
    const bool last = left <= kPanelColumns && block.next != nullptr;
    run_wide_panel<WordsIsa>(wide, columns, last ? *block.next : Fetch{weights, panel_bytes(block.groups)});
  }
}

}  // namespace
}  // namespace intaglio
