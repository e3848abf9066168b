// Loops over elements of one or two operands.
#pragma once

#include "kernels/vector_impl.h"

namespace intaglio {
namespace {

// An operand of an elementwise loop, block by block; one that stands still is a block of its value over and over, which
// lies in memory of the loop's: an operand whose own address is taken would not stay in registers.
template <class V>
class Operand {
 public:
  INTAGLIO_INLINE Operand(const BinaryOperand& operand, std::uint8_t (&same)[V::kBytes])
      : at_(operand.data), step_(V::kBytes) {
    if (!operand.still) return;
    V::store_bytes(same, V::set_bytes(*operand.data));
    at_ = same;
    step_ = 0;
  }
  INTAGLIO_INLINE typename V::B bytes() const { return V::load_bytes(at_); }
  INTAGLIO_INLINE void advance() { at_ += step_; }

 private:
  const std::uint8_t* at_;
  std::size_t step_;
};

// An op on int32 lanes as an op on bytes, which saturates.
template <class V, class LaneOp>
class Saturated {
 public:
  explicit INTAGLIO_INLINE Saturated(const BinaryParameters& p) : op_(p) {}
  INTAGLIO_INLINE typename V::B operator()(const Operand<V>& a, const Operand<V>& b) const {
    const typename V::B left = a.bytes(), right = b.bytes();
    return join_lanes<V>([&](std::size_t k) INTAGLIO_LAMBDA { return op_(V::part(left, k), V::part(right, k)); });
  }

 private:
  LaneOp op_;
};

// The same, clamped.
template <class V, class LaneOp>
class Clamped {
 public:
  explicit INTAGLIO_INLINE Clamped(const BinaryParameters& p)
      : op_(p),
        low_(V::set_bytes(static_cast<std::uint8_t>(p.low))),
        high_(V::set_bytes(static_cast<std::uint8_t>(p.high))) {}
  INTAGLIO_INLINE typename V::B operator()(const Operand<V>& a, const Operand<V>& b) const {
    return clamp_bytes<V>(op_(a, b), low_, high_);
  }

 private:
  Saturated<V, LaneOp> op_;
  typename V::B low_, high_;
};

template <class V>
class AddLanes {
 public:
  explicit INTAGLIO_INLINE AddLanes(const BinaryParameters& p)
      : a_(V::set(p.factor_a)),
        b_(V::set(p.factor_b)),
        constant_(V::set(p.constant)),
        zero_(V::set(p.zero_y)),
        shift_(p.shift) {}
  INTAGLIO_INLINE typename V::I operator()(typename V::I a, typename V::I b) const {
    const typename V::I sum = V::add(V::mul(a, a_), V::add(V::mul(b, b_), constant_));
    return V::add(V::shift_right(sum, shift_), zero_);
  }

 private:
  typename V::I a_, b_, constant_, zero_;
  int shift_;
};

// Beyond [-512, 512] every result is clamped, and the lanes hold what lies between.
template <class V>
class AddScaledLanes {
 public:
  explicit INTAGLIO_INLINE AddScaledLanes(const BinaryParameters& p)
      : a_(V::set_float(p.scale_a)),
        b_(V::set_float(p.scale_b)),
        term_(V::set_float(p.term)),
        origin_(V::set(p.origin)),
        low_(V::set_float(-512)),
        high_(V::set_float(512)) {}
  INTAGLIO_INLINE typename V::I operator()(typename V::I a, typename V::I b) const {
    const typename V::F left = V::to_float(V::sub(a, origin_)), right = V::to_float(V::sub(b, origin_));
    const typename V::F sum = V::fma(left, a_, V::fma(right, b_, term_));
    return V::add(V::round(V::minimum(V::maximum(sum, low_), high_)), origin_);
  }

 private:
  typename V::F a_, b_, term_;
  typename V::I origin_;
  typename V::F low_, high_;
};

// The same for bytes that count from 0, and sums that int32 holds.
template <class V>
class PlainAddScaledLanes {
 public:
  explicit INTAGLIO_INLINE PlainAddScaledLanes(const BinaryParameters& p)
      : a_(V::set_float(p.scale_a)), b_(V::set_float(p.scale_b)), term_(V::set_float(p.term)) {}
  static bool suits(const BinaryParameters& p) {
    constexpr float kFits = 1 << 30;
    const float largest = 255 * p.scale_a + 255 * (p.scale_b < 0 ? -p.scale_b : p.scale_b);
    return p.origin == 0 && largest + (p.term < 0 ? -p.term : p.term) < kFits;
  }
  INTAGLIO_INLINE typename V::I operator()(typename V::I a, typename V::I b) const {
    return V::round(V::fma(V::to_float(a), a_, V::fma(V::to_float(b), b_, term_)));
  }

 private:
  typename V::F a_, b_, term_;
};

template <class V>
class AddFixedLanes {
 public:
  explicit INTAGLIO_INLINE AddFixedLanes(const BinaryParameters& p)
      : zero_a_(V::set(p.zero_a)),
        zero_b_(V::set(p.zero_b)),
        zero_y_(V::set(p.zero_y)),
        sign_b_(V::set(p.sign_b)),
        left_shift_(p.left_shift),
        a_(p.fixed_a),
        b_(p.fixed_b),
        y_(p.fixed_y) {}
  INTAGLIO_INLINE typename V::I operator()(typename V::I a, typename V::I b) const {
    const typename V::I left = a_(V::shift_left(V::sub(a, zero_a_), left_shift_));
    const typename V::I right = b_(V::shift_left(V::sub(b, zero_b_), left_shift_));
    return V::add(y_(V::add(left, V::mul(right, sign_b_))), zero_y_);
  }

 private:
  typename V::I zero_a_, zero_b_, zero_y_, sign_b_;
  int left_shift_;
  Mbqm<V> a_, b_, y_;
};

template <class V, class Scale>
class MulLanes {
 public:
  INTAGLIO_INLINE MulLanes(const BinaryParameters& p, const Scale& scale)
      : zero_a_(V::set(p.zero_a)), zero_b_(V::set(p.zero_b)), zero_y_(V::set(p.zero_y)), scale_(scale) {}
  INTAGLIO_INLINE typename V::I operator()(typename V::I a, typename V::I b) const {
    return V::add(scale_(V::mul(V::sub(a, zero_a_), V::sub(b, zero_b_))), zero_y_);
  }

 private:
  typename V::I zero_a_, zero_b_, zero_y_;
  Scale scale_;
};

template <class V>
struct MulFloatLanes : MulLanes<V, FloatScale<V>> {
  explicit INTAGLIO_INLINE MulFloatLanes(const BinaryParameters& p)
      : MulLanes<V, FloatScale<V>>(p, FloatScale<V>(p.scale)) {}
};

template <class V>
struct MulFixedLanes : MulLanes<V, Mbqm<V>> {
  explicit INTAGLIO_INLINE MulFixedLanes(const BinaryParameters& p) : MulLanes<V, Mbqm<V>>(p, Mbqm<V>(p.fixed_y)) {}
};

template <class V>
struct MaximumBytes {
  explicit MaximumBytes(const BinaryParameters&) {}
  INTAGLIO_INLINE typename V::B operator()(const Operand<V>& a, const Operand<V>& b) const {
    return V::max_bytes(a.bytes(), b.bytes());
  }
};

template <class V>
struct MinimumBytes {
  explicit MinimumBytes(const BinaryParameters&) {}
  INTAGLIO_INLINE typename V::B operator()(const Operand<V>& a, const Operand<V>& b) const {
    return V::min_bytes(a.bytes(), b.bytes());
  }
};

template <class V, class ByteOp>
void binary_loop(const BinaryParameters& parameters, BinaryOperand a, BinaryOperand b, std::uint8_t* y,
                 std::size_t count) {
  const ByteOp op(parameters);
  alignas(64) std::uint8_t same_a[V::kBytes];
  alignas(64) std::uint8_t same_b[V::kBytes];
  Operand<V> left(a, same_a), right(b, same_b);
  store_blocks<V>(y, count, [&](std::size_t) INTAGLIO_LAMBDA {
    const typename V::B bytes = op(left, right);
    left.advance();
    right.advance();
    return bytes;
  });
}

template <class V>
void add_scaled(const BinaryParameters& parameters, BinaryOperand a, BinaryOperand b, std::uint8_t* y,
                std::size_t count) {
  const bool clamps = parameters.low > 0 || parameters.high < 255;
  if (!PlainAddScaledLanes<V>::suits(parameters)) {
    binary_loop<V, Clamped<V, AddScaledLanes<V>>>(parameters, a, b, y, count);
  } else if (clamps) {
    binary_loop<V, Clamped<V, PlainAddScaledLanes<V>>>(parameters, a, b, y, count);
  } else {
    binary_loop<V, Saturated<V, PlainAddScaledLanes<V>>>(parameters, a, b, y, count);
  }
}

template <class V>
void lookup_loop(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::size_t count) {
  const typename V::Table entries(table);
  store_blocks<V>(y, count, [&](std::size_t i) INTAGLIO_LAMBDA { return entries.look_up(V::load_bytes(x + i)); });
}

template <class V>
void interleave_3(const std::uint8_t* x, std::ptrdiff_t stride, std::uint8_t* y, std::size_t count) {
  const std::uint8_t *a = x, *b = x + stride, *c = x + 2 * stride;
  std::size_t i = 0;
  for (; i + V::kTriples <= count; i += V::kTriples) V::store_triples(a + i, b + i, c + i, y + 3 * i);
  for (; i < count; ++i) {
    y[3 * i] = a[i];
    y[3 * i + 1] = b[i];
    y[3 * i + 2] = c[i];
  }
}

}  // namespace
}  // namespace intaglio
