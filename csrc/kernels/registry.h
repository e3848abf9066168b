// The kernels of each tier. kernels.inc lists every kernel; this finds the best of each family for a tier.
#pragma once

#include "cpu/isa.h"

namespace intaglio {

struct GemmKernels;         // kernels/gemm.h
struct WinogradProducts;    // kernels/winograd.h
struct WinogradTransforms;  // kernels/winograd.h
struct DepthwiseKernels;    // kernels/depthwise.h
struct VectorKernels;       // kernels/vector.h: elementwise, pooling, reductions, conversion

struct FloatGemmKernels;    // kernels/float_gemm.h
struct FloatVectorKernels;  // kernels/float_vector.h: everything float32 that is no sum of products

struct Kernels {
  Isa isa;
  const GemmKernels* gemm;
  const WinogradProducts* winograd_products;      // nullptr where the tier has none
  const WinogradTransforms* winograd_transforms;  // likewise
  const DepthwiseKernels* depthwise;              // int8 weights
  const DepthwiseKernels* depthwise_wide;         // weights less their zero point in int16
  const VectorKernels* vector;
  const FloatGemmKernels* float_gemm;
  const FloatVectorKernels* float_vector;
};

const Kernels& kernels_for(Isa tier);

}  // namespace intaglio
