// Division that rounds up.
#pragma once

#include <type_traits>

namespace intaglio {

// Of numbers that are not negative.
template <class T>
constexpr T divide_up(T a, std::type_identity_t<T> b) {
  return (a + b - 1) / b;
}

}  // namespace intaglio
