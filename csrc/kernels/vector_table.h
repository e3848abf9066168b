// Fills in the VectorKernels of one instruction set.
#pragma once

#include "kernels/conversion_impl.h"
#include "kernels/elementwise_impl.h"
#include "kernels/window_impl.h"

// `V` is the struct of primitives, `isa` a string literal.
#define INTAGLIO_VECTOR_KERNELS(V, isa)                                                    \
  {                                                                                        \
      .add = {"add_u8_" isa, binary_loop<V, Clamped<V, AddLanes<V>>>},                     \
      .add_scaled = {"add_scaled_u8_" isa, add_scaled<V>},                                 \
      .add_fixed = {"add_fixed_u8_" isa, binary_loop<V, Clamped<V, AddFixedLanes<V>>>},    \
      .mul = {"mul_u8_" isa, binary_loop<V, Clamped<V, MulFloatLanes<V>>>},                \
      .mul_fixed = {"mul_fixed_u8_" isa, binary_loop<V, Clamped<V, MulFixedLanes<V>>>},    \
      .maximum = {"maximum_u8_" isa, binary_loop<V, MaximumBytes<V>>},                     \
      .minimum = {"minimum_u8_" isa, binary_loop<V, MinimumBytes<V>>},                     \
      .lookup = {"lookup_u8_" isa, lookup_loop<V>},                                        \
      .max_pool = {"max_pool_u8_" isa, max_pool<V>},                                       \
      .average_pool_half_away = {"average_pool_half_away_u8_" isa, average_pool<V, true>}, \
      .average_pool_half_up = {"average_pool_half_up_u8_" isa, average_pool<V, false>},    \
      .mean = {"mean_u8_" isa, mean<V, false>},                                            \
      .mean_fixed = {"mean_fixed_u8_" isa, mean<V, true>},                                 \
      .sum = {"sum_u8_" isa, sum_runs<V>},                                                 \
      .requantize = {"requantize_s32u8_" isa, requantize<V, false>},                       \
      .requantize_fixed = {"requantize_fixed_s32u8_" isa, requantize<V, true>},            \
      .interleave_3 = {"interleave_3_u8_" isa, interleave_3<V>},                           \
      .max = {"max_u8_" isa, max_run<V>},                                                  \
      .bilinear = {"bilinear_u8_" isa, bilinear<V, 22, false>},                            \
      .bilinear_fixed = {"bilinear_fixed_u8_" isa, bilinear<V, 20, true>},                 \
      .quantize_half_even = {"quantize_half_even_f32u8_" isa, quantize<V, false>},         \
      .quantize_half_away = {"quantize_half_away_f32u8_" isa, quantize<V, true>},          \
      .dequantize = {"dequantize_u8f32_" isa, dequantize<V>},                              \
  }
