// What rounded values take on their way to bytes beyond saturation. Included by kernel files, each with its own copy.
#pragma once

#include "kernels/gemm.h"
#include "kernels/inline.h"

namespace intaglio {
namespace {

enum class Narrowing {
  kSaturate,  // nothing: the zero point is 0 and the clamp that of bytes
  kShift,     // the zero point
  kClamp,     // the zero point and the clamp
};

// Calls `narrow` with the least that does.
template <class Narrow>
INTAGLIO_INLINE void with_narrowing(const Requantization& r, const Narrow& narrow) {
  if (r.low > 0 || r.high < 255) return narrow.template operator()<Narrowing::kClamp>();
  if (r.zero_point != 0) return narrow.template operator()<Narrowing::kShift>();
  return narrow.template operator()<Narrowing::kSaturate>();
}

}  // namespace
}  // namespace intaglio
