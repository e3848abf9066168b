// GEMM for AMX-INT8. tdpbusd multiplies a tile of 16 rows of 64 stored bytes by 16 groups of a packed panel, exactly:
// 16,384 products in 16 cycles, by Intel's manual, where vpdpbusd does 128 a cycle.
//
// Tile map: 0 1 and 2 3 the sums of two tiles of rows by two panels, 4 5 their inputs, 6 7 the weights. The products of
// a step take twice as long as its loads, and four sums hide most of the latency of 52 cycles.
//
// A step is as many groups that are neighbours in memory. Where steps do not divide a run of these, the last step
// reaches back over the one before, and zeros take the place of the bytes that were counted already. Tiles of rows
// reach back likewise: what they store twice is the same. Rows that follow no common stride, and blocks too small to
// gain, are left to AVX512-VNNI.
//
// A thread's tiles are in use during a call only: the system then need not save them.
#include "kernels/gemm_store.h"
#include "kernels/gemm_tiles.h"
#include "kernels/gemm_x86_512.h"

namespace intaglio {

extern const GemmKernels gemm_u8s8_8x32c4_avx512vnni;

namespace {

constexpr std::size_t kTileRows = 16;
constexpr std::ptrdiff_t kTileRowBytes = 64;

// How a block is cut into tiles.
struct Cut {
  std::size_t rows;        // of a tile of input
  std::size_t line_tiles;  // tiles of rows in a line
  std::size_t groups;      // of a step
  std::size_t run;         // neighbouring groups
  std::size_t run_steps;   // steps in a run
};

// The compiler does not know what memory tile instructions read.
INTAGLIO_INLINE void finish_stores() { asm volatile("" ::: "memory"); }

// The length of the runs of groups that are neighbours in memory, if it is the same for all of them; else 0.
std::size_t run_length(const GemmBlock& block) {
  if (block.one_run) return block.groups;
  const auto follows = [&](std::size_t i) {
    return block.offsets[i] - block.offsets[i - 1] == std::int32_t{kGroupBytes};
  };
  std::size_t run = 1;
  while (run < block.groups && follows(run)) ++run;
  if (block.groups % run != 0) return 0;
  for (std::size_t i = run; i < block.groups; ++i) {
    if (follows(i) == (i % run == 0)) return 0;
  }
  return run;
}

constexpr std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// Rows and groups are shared out evenly over the fewest tiles.
Cut cut(const GemmBlock& block, std::size_t run) {
  const std::size_t line_tiles = divide_up(block.rows, kTileRows), run_steps = divide_up(run, kTileRows);
  return {divide_up(block.rows, line_tiles), line_tiles, divide_up(run, run_steps), run, run_steps};
}

// Whether tiles take fewer cycles than vectors, by Intel's manual: 16 for the products of a step, about 40 to begin and
// end sums, some 200 to configure and release tiles.
bool pays(const GemmBlock& block, const Cut& cut) {
  const std::size_t panels = divide_up(block.columns, kPanelColumns);
  const std::size_t steps = block.groups / cut.run * cut.run_steps;
  const std::size_t vectors = block.lines * block.rows * panels * block.groups / 2;
  return block.lines * cut.line_tiles * panels * (16 * steps + 40) + 200 < vectors;
}

// What ldtilecfg reads.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

void configure(std::size_t rows, std::size_t groups) {
  TileConfiguration tiles;
  for (int tile = 0; tile < 8; ++tile) {
    const bool is_input = tile == 4 || tile == 5, is_weights = tile >= 6;
    tiles.row_bytes[tile] = static_cast<std::uint16_t>(is_input ? groups * kGroupBytes : std::size_t{kTileRowBytes});
    tiles.rows[tile] = static_cast<std::uint8_t>(is_weights ? groups : rows);
  }
  finish_stores();
  _tile_loadconfig(&tiles);
}

// The groups of a step from which `mask` chooses, and zeros in the place of others.
void copy_step(const std::uint8_t* input, std::ptrdiff_t stride, std::size_t rows, __mmask16 mask, std::uint8_t* copy) {
  for (std::size_t row = 0; row < rows; ++row, input += stride, copy += kTileRowBytes) {
    _mm512_store_si512(copy, _mm512_maskz_loadu_epi32(mask, input));
  }
}

template <int MT, int NT>
INTAGLIO_INLINE void add_step(const std::uint8_t* const (&input)[MT], std::ptrdiff_t stride, const std::int8_t* weights,
                              std::ptrdiff_t panel) {
  _tile_loadd(6, weights, kTileRowBytes);
  _tile_loadd(4, input[0], stride);
  _tile_dpbusd(0, 4, 6);
  if constexpr (NT == 2) {
    _tile_loadd(7, weights + panel, kTileRowBytes);
    _tile_dpbusd(1, 4, 7);
  }
  if constexpr (MT == 2) {
    _tile_loadd(5, input[1], stride);
    _tile_dpbusd(2, 5, 6);
    if constexpr (NT == 2) _tile_dpbusd(3, 5, 7);
  }
}

// The sums of MT tiles of rows by NT panels.
template <int MT, int NT>
void sum_tiles(const GemmBlock& block, const Cut& cut, const TileColumns& columns,
               const std::uint8_t* const (&first)[MT], __m512i (&sums)[MT][kTileRows][NT]) {
  const std::ptrdiff_t stride = block.input_row_stride, panel = columns.panel_bytes;
  const auto step_bytes = static_cast<std::ptrdiff_t>(cut.groups * kGroupBytes);
  const auto step_weights = static_cast<std::ptrdiff_t>(panel_bytes(cut.groups));
  const std::size_t whole_steps = cut.run / cut.groups;
  const std::size_t repeated = cut.run_steps * cut.groups - cut.run;
  // A stride of zero repeats the bias in all rows.
  _tile_loadd(0, columns.bias, 0);
  if constexpr (NT == 2) _tile_loadd(1, columns.bias + kPanelColumns, 0);
  if constexpr (MT == 2) _tile_loadd(2, columns.bias, 0);
  if constexpr (MT == 2 && NT == 2) _tile_loadd(3, columns.bias + kPanelColumns, 0);
  const std::int8_t* weights = columns.weights;
  for (std::size_t group = 0; group < block.groups; group += cut.run) {
    const std::uint8_t* input[MT];
    for (int m = 0; m < MT; ++m) input[m] = first[m] + block.offsets[group];
    for (std::size_t step = whole_steps; step != 0; --step) {
      add_step<MT, NT>(input, stride, weights, panel);
      for (int m = 0; m < MT; ++m) input[m] += step_bytes;
      weights += step_weights;
    }
    if (repeated == 0) continue;
    alignas(64) std::uint8_t copies[MT][kTileRows * kTileRowBytes];
    const std::uint8_t* copy[MT];
    const auto mask = static_cast<__mmask16>((1U << cut.groups) - (1U << repeated));
    const auto back = static_cast<std::ptrdiff_t>(repeated * kGroupBytes);
    for (int m = 0; m < MT; ++m) {
      copy_step(input[m] - back, stride, cut.rows, mask, copies[m]);
      copy[m] = copies[m];
    }
    finish_stores();
    weights -= panel_bytes(repeated);
    add_step<MT, NT>(copy, kTileRowBytes, weights, panel);
    weights += step_weights;
  }
  constexpr std::ptrdiff_t kRowBytes = NT * kTileRowBytes;
  _tile_stored(0, &sums[0][0][0], kRowBytes);
  if constexpr (NT == 2) _tile_stored(1, &sums[0][0][1], kRowBytes);
  if constexpr (MT == 2) _tile_stored(2, &sums[1][0][0], kRowBytes);
  if constexpr (MT == 2 && NT == 2) _tile_stored(3, &sums[1][0][1], kRowBytes);
}

// MT tiles of rows, from number `tile` on.
template <int MT, int NT>
void run_tiles(const GemmBlock& block, const Cut& cut, const TileColumns& columns, std::size_t tile) {
  std::ptrdiff_t line[MT], row[MT];
  const std::uint8_t* input[MT];
  for (int m = 0; m < MT; ++m, ++tile) {
    const std::size_t next = tile % cut.line_tiles * cut.rows, last = block.rows - cut.rows;
    line[m] = static_cast<std::ptrdiff_t>(tile / cut.line_tiles);
    row[m] = static_cast<std::ptrdiff_t>(next < last ? next : last);
    input[m] = block.input + line[m] * block.input_line_stride + row[m] * block.input_row_stride;
  }
  __m512i sums[MT][kTileRows][NT];
  sum_tiles<MT, NT>(block, cut, columns, input, sums);
  for (int m = 0; m < MT; ++m) {
    if (block.row_bias != nullptr) {
      const std::int32_t* row_bias = block.row_bias + line[m] * static_cast<std::ptrdiff_t>(block.rows) + row[m];
      for (std::size_t r = 0; r < cut.rows; ++r) {
        for (__m512i& sum : sums[m][r]) sum = Gemm512::add(sum, Gemm512::splat(row_bias[r]));
      }
    }
    std::uint8_t* output = block.output + line[m] * block.output_line_stride + row[m] * block.output_row_stride;
    choose_round<Gemm512, NT>(block.requantization)(block.requantization, columns.first, sums[m],
                                                    static_cast<int>(cut.rows), columns.count, output + columns.first,
                                                    block.output_row_stride);
  }
}

// NT panels of columns.
template <int NT>
void run_columns(const GemmBlock& block, const Cut& cut, TileColumns& columns) {
  const std::size_t left = block.columns - columns.first, tiles = block.lines * cut.line_tiles;
  columns.count = left < NT * kPanelColumns ? left : NT * kPanelColumns;
  std::size_t tile = 0;
  for (; tile + 2 <= tiles; tile += 2) run_tiles<2, NT>(block, cut, columns, tile);
  if (tile < tiles) run_tiles<1, NT>(block, cut, columns, tile);
  columns.first += NT * kPanelColumns;
  columns.weights += NT * columns.panel_bytes;
  columns.bias += NT * kPanelColumns;
}

void run_block(const GemmBlock& block) {
  const std::size_t run = block.rows > 1 && block.groups > 0 ? run_length(block) : 0;
  const Cut tiles = run > 0 ? cut(block, run) : Cut{};
  if (run == 0 || !pays(block, tiles)) {
    gemm_u8s8_8x32c4_avx512vnni.run(block);
    return;
  }
  configure(tiles.rows, tiles.groups);
  TileColumns columns = {block.weights, static_cast<std::ptrdiff_t>(panel_bytes(block.groups)), block.bias, 0, 0};
  while (columns.first + kPanelColumns < block.columns) run_columns<2>(block, tiles, columns);
  if (columns.first < block.columns) run_columns<1>(block, tiles, columns);
  _tile_release();
}

std::uint64_t exercise(std::uint64_t repeats) {
  configure(kTileRows, kTileRows);
  for (std::uint64_t repeat = 0; repeat < repeats; ++repeat) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
  return repeats * 4 * kTileRows * kPanelColumns * static_cast<std::uint64_t>(kTileRowBytes);
}

}  // namespace

extern const GemmKernels gemm_u8s8_32x32c64_amx = {"gemm_u8s8_32x32c64_amx", &run_block, &exercise};

}  // namespace intaglio
