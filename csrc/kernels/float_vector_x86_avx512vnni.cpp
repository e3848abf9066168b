// Float32 loops in AVX-512.
#include "kernels/float_vector_impl.h"

namespace intaglio {

extern const FloatVectorKernels float_vector_avx512;
constexpr FloatVectorKernels float_vector_avx512 = INTAGLIO_FLOAT_VECTOR_KERNELS("avx512");

}  // namespace intaglio
