// What the loops over vectors share. Each instruction set supplies one struct V of primitives:
//
//   types     I, F: kLanes int32 or float32; B: kBytes = 4 * kLanes bytes
//   bytes     set_bytes load_bytes store_bytes max_bytes min_bytes
//             load_bytes(p, n) reads n bytes and sets the others to zero; store_bytes(p, b, n) writes n bytes
//             store_triples(a, b, c, y) writes the next kTriples bytes of each in turn
//   int32     set load load_u8 add sub mul bit_xor shift_left shift_right
//             sign and greater give all ones or zero; arithmetic is modulo 2^32; all lanes shift by the same count
//             Fixed<true>(multiplier, shift, false) rounds as mbqm does (docs/arithmetic.md)
//   float32   set_float load_float store_float to_float truncate multiply divide subtract fma maximum minimum
//             round (half to even, of |x| <= 2^22); or_zero (NaN becomes zero)
//   between   pack (four I to one B, saturating to [0, 255]); sum (of all lanes)
//             part(b, k) (a fourth of the bytes of a B as an I, by whatever order is cheapest) and join (the reverse)
//             sum_bytes (adds the bytes of a B into the lanes of an I, in any order)
//   Table     256 bytes; look_up takes a B of indices to a B of entries
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/inline.h"
#include "kernels/vector.h"

namespace intaglio {
namespace {

// Calls block(i) for each run of kBytes of `count` bytes and stores what it returns. There is one copy of the block.
template <class V, class Block>
INTAGLIO_INLINE void store_blocks(std::uint8_t* y, std::size_t count, const Block& block) {
  if (count == 0) return;
  for (std::size_t i = 0;; i += V::kBytes) {
    const typename V::B bytes = block(i);
    if (count - i < V::kBytes) return V::store_bytes(y + i, bytes, count - i);
    V::store_bytes(y + i, bytes);
    if (count - i == V::kBytes) return;
  }
}

// pack of lanes(0), lanes(1), lanes(2), lanes(3), where lanes(k) are those of the k-th quarter of a block.
template <class V, class Lanes>
INTAGLIO_INLINE typename V::B pack_lanes(const Lanes& lanes) {
  const typename V::I first = lanes(0), second = lanes(1), third = lanes(2), fourth = lanes(3);
  return V::pack(first, second, third, fourth);
}

// The same where lanes(k) are those of the k-th part.
template <class V, class Lanes>
INTAGLIO_INLINE typename V::B join_lanes(const Lanes& lanes) {
  const typename V::I first = lanes(0), second = lanes(1), third = lanes(2), fourth = lanes(3);
  return V::join(first, second, third, fourth);
}

template <class V>
INTAGLIO_INLINE typename V::B clamp_bytes(typename V::B x, typename V::B low, typename V::B high) {
  return V::min_bytes(V::max_bytes(x, low), high);
}

// mbqm of docs/arithmetic.md.
template <class V>
class Mbqm {
 public:
  explicit INTAGLIO_INLINE Mbqm(const FixedMultiplier& fixed)
      : fixed_(V::set(fixed.multiplier), V::set(fixed.shift), false) {}
  INTAGLIO_INLINE typename V::I operator()(typename V::I x) const { return fixed_(x); }

 private:
  typename V::template Fixed<true> fixed_;
};

// Requantization by a float32 scale. Beyond 512 every result is clamped, and int32 holds it.
template <class V>
class FloatScale {
 public:
  explicit INTAGLIO_INLINE FloatScale(float scale)
      : scale_(V::set_float(scale)), low_(V::set_float(-512)), high_(V::set_float(512)) {}
  INTAGLIO_INLINE typename V::I operator()(typename V::I acc) const {
    const typename V::F scaled = V::multiply(V::to_float(acc), scale_);
    return V::round(V::minimum(V::maximum(scaled, low_), high_));
  }

 private:
  typename V::F scale_, low_, high_;
};

// acc -> stored value before the clamp, either way.
template <class V, bool kFixed>
class Requantize {
 public:
  explicit INTAGLIO_INLINE Requantize(const ScalarRequantization& r)
      : scale_(r.scale), fixed_(r.fixed), bias_(V::set(r.bias)), zero_(V::set(r.zero_y)) {}
  INTAGLIO_INLINE typename V::I operator()(typename V::I acc) const {
    const typename V::I biased = V::add(acc, bias_);
    if constexpr (kFixed) {
      return V::add(fixed_(biased), zero_);
    } else {
      return V::add(scale_(biased), zero_);
    }
  }

 private:
  FloatScale<V> scale_;
  Mbqm<V> fixed_;
  typename V::I bias_, zero_;
};

}  // namespace
}  // namespace intaglio
