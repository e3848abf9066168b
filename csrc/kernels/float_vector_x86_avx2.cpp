// Float32 loops in AVX2.
#include "kernels/float_vector_impl.h"

namespace intaglio {

extern const FloatVectorKernels float_vector_avx2;
constexpr FloatVectorKernels float_vector_avx2 = INTAGLIO_FLOAT_VECTOR_KERNELS("avx2");

}  // namespace intaglio
