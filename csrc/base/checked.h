// Integer arithmetic on numbers that come from files: false where the result does not fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace intaglio {

template <class T>
[[nodiscard]] constexpr bool checked_add(T a, T b, T& sum) {
  return !__builtin_add_overflow(a, b, &sum);
}

template <class T>
[[nodiscard]] constexpr bool checked_mul(T a, T b, T& product) {
  return !__builtin_mul_overflow(a, b, &product);
}

// Of numbers that are not negative: a count for people and for sharing out, which may be beyond all bounds in a file
// that nobody will run.
[[nodiscard]] constexpr std::int64_t saturating_product(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return checked_mul(a, b, product) ? product : INT64_MAX;
}

// `alignment` is a power of two.
template <class T>
[[nodiscard]] constexpr bool checked_align(T value, T alignment, T& aligned) {
  if (!checked_add(value, static_cast<T>(alignment - 1), aligned)) return false;
  aligned &= ~static_cast<T>(alignment - 1);
  return true;
}

// Whether [offset, offset + size) lies inside [0, limit).
[[nodiscard]] constexpr bool inside(std::uint64_t offset, std::uint64_t size, std::uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

// The product of dims; false where one is negative or the product exceeds `limit`. Zero dims do not excuse large ones.
[[nodiscard]] constexpr bool checked_product(std::span<const std::int64_t> dims, std::int64_t limit,
                                             std::int64_t& product) {
  std::int64_t magnitude = 1;
  product = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 0 || !checked_mul(magnitude, dim > 0 ? dim : 1, magnitude) || magnitude > limit) return false;
    product *= dim;
  }
  return true;
}

}  // namespace intaglio
