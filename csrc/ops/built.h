// Which families of ops this build has (cmake/ops.cmake).
#pragma once

#if !defined(INTAGLIO_OPS_LEFT_OUT)
#define INTAGLIO_OPS_LEFT_OUT ""
#endif

#include "base/listed.h"

namespace intaglio {

struct BuiltOps {
  bool sums, elementwise, reductions, movement, resampling, conversion, float32, integer, detection, lstm;
};

inline constexpr BuiltOps kBuiltOps = {
#define BUILT(family) .family = !listed(#family, INTAGLIO_OPS_LEFT_OUT)
    BUILT(sums),       BUILT(elementwise), BUILT(reductions), BUILT(movement),  BUILT(resampling),
    BUILT(conversion), BUILT(float32),     BUILT(integer),    BUILT(detection), BUILT(lstm),
#undef BUILT
};

}  // namespace intaglio
