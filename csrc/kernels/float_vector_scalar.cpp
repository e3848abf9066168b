// Float32 loops in portable C++.
#include "kernels/float_vector_impl.h"

namespace intaglio {

extern const FloatVectorKernels float_vector_scalar;
constexpr FloatVectorKernels float_vector_scalar = INTAGLIO_FLOAT_VECTOR_KERNELS("scalar");

}  // namespace intaglio
