// Sums of products in a tile, for the types `Isa` that gemm_impl.h and winograd_products_impl.h describe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.h"
#include "kernels/inline.h"
#include "kernels/stride.h"

namespace intaglio {
namespace {

// The sums of MR rows and NV vectors of columns begin with the bias of their columns.
template <class Isa, class Sum, int MR, int NV>
INTAGLIO_INLINE void begin_sums(Sum (&sums)[MR][NV], const std::int32_t* bias) {
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
#pragma GCC unroll 16
  for (int v = 0; v < NV; ++v) {
    sums[0][v] = (Sum)Isa::load_bias(bias + v * kLanes);
#pragma GCC unroll 16
    for (int r = 1; r < MR; ++r) sums[r][v] = sums[0][v];
  }
}

// Adds the products of a group of each of MR rows, `row` apart, with NV vectors of columns.
template <class Isa, class Sum, int MR, int NV>
INTAGLIO_INLINE void add_group(Sum (&sums)[MR][NV], const std::uint8_t* input, const Stride& row,
                               const std::int8_t* weights, const Stride& panel) {
  constexpr int kLanes = int{kPanelColumns} / Isa::kVectors;
  typename Isa::Weights w[NV];
#pragma GCC unroll 16
  for (int v = 0; v < NV; ++v) {
    w[v] = Isa::load_weights(panel.from(weights, v / Isa::kVectors) + v % Isa::kVectors * kLanes * int{kGroupBytes});
  }
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r) {
    if (r != 0 && r % 4 == 0) input += row.four();
    const typename Isa::Activations x = Isa::broadcast(row.from(input, r % 4));
#pragma GCC unroll 16
    for (int v = 0; v < NV; ++v) sums[r][v] = (Sum)Isa::dot((typename Isa::Vector)sums[r][v], x, w[v]);
  }
}

// The same for `bytes` bytes of each row, groups that follow one another, with a call of after() behind each.
template <class Isa, class Sum, int MR, int NV, class After>
INTAGLIO_INLINE void add_run(Sum (&sums)[MR][NV], const std::uint8_t* input, const Stride& row,
                             const std::int8_t* weights, const Stride& panel, std::ptrdiff_t bytes,
                             const After& after) {
#pragma GCC unroll 1
  for (std::ptrdiff_t group = 0; group != bytes; group += kGroupBytes, weights += panel_bytes(1)) {
    add_group<Isa>(sums, input + group, row, weights, panel);
    after();
  }
}

}  // namespace
}  // namespace intaglio
