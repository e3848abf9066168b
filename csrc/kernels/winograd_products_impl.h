// The products of Winograd convolution, written once. An instruction set supplies a type `Isa` with kVectors, Vector,
// Weights, Activations, load_bias(p), load_weights(p) and broadcast(p) as in gemm_impl.h, and
//
//   kPanels, kRows                     the tallest tile that stays in registers
//   dot(sum, activations, weights)     of pairs of int16, exact modulo 2^32; never saturates
//   store_sum(p, v)                    aligned
//
// A tile is MR rows x kPanels panels, its sums in registers. Included by one file per instruction set, in whose
// anonymous namespace everything lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/gemm_sums.h"
#include "kernels/gemm_tiles.h"
#include "kernels/stride.h"
#include "kernels/winograd.h"

namespace intaglio {
namespace {

template <class Isa, int MR>
void multiply_rows(const WinogradProduct& product, const TileRows& rows, Ahead& weights_ahead) {
  using Vector = typename Isa::Vector;
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
  constexpr int NV = Isa::kPanels * Isa::kVectors;
  const WinogradProduct a = product;  // a copy, for the sums stored below might alias it
  const Stride row(a.input_stride), panel(static_cast<std::ptrdiff_t>(panel_bytes(a.groups)));
  const auto first = static_cast<std::ptrdiff_t>(rows.first);
  const auto end = static_cast<std::ptrdiff_t>(a.groups * kGroupBytes);
  const std::uint8_t* first_input = a.input + first * a.input_stride;
  std::int32_t* sum = a.sums + first * kLanes * NV;
  Ahead ahead = weights_ahead;
  const auto fetch_ahead = [&]() INTAGLIO_LAMBDA {
    __builtin_prefetch(ahead.next, 0, 2);
    ahead.next += ahead.step;
  };
  for (std::size_t tile = 0; tile < rows.tiles; ++tile, first_input += MR * a.input_stride, sum += MR * kLanes * NV) {
    Vector sums[MR][NV];
    begin_sums<Isa>(sums, a.bias);
    add_run<Isa>(sums, first_input, row, a.weights, panel, end, fetch_ahead);
#pragma GCC unroll 16
    for (int k = 0; k < MR * NV; ++k) Isa::store_sum(sum + k * kLanes, sums[k / NV][k % NV]);
  }
  weights_ahead = ahead;
}

template <class Isa, int... R>
void multiply_shares(const WinogradProduct& product, std::integer_sequence<int, R...>) {
  using Function = void (*)(const WinogradProduct&, const TileRows&, Ahead&);
  static constexpr Function kByRows[] = {&multiply_rows<Isa, kLeastProductRows + R>...};
  const RowShares shares = share_rows(product.rows, Isa::kRows);
  Ahead ahead = in_turns(product.next, shares.tiles * product.groups);
  const Function* run = kByRows + (shares.rows - kLeastProductRows);
  if (shares.taller != 0) run[1](product, {0, shares.taller}, ahead);
  run[0](product, {shares.taller * (shares.rows + 1), shares.tiles - shares.taller}, ahead);
}

template <class Isa>
void multiply(const WinogradProduct& product) {
  multiply_shares<Isa>(product, std::make_integer_sequence<int, int{Isa::kRows} - kLeastProductRows + 1>());
}

}  // namespace
}  // namespace intaglio
