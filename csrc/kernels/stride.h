// Addresses at a constant stride, in few registers. Included by kernel files, each with its own copy.
#pragma once

#include <cstddef>

namespace intaglio {
namespace {

// A stride, and addresses up to three of it on: two registers instead of one for each address.
class Stride {
 public:
  explicit Stride(std::ptrdiff_t bytes) : one_(bytes), three_(3 * bytes) {
    asm("" : "+r"(one_), "+r"(three_));  // or the compiler would make registers for the addresses after all
  }
  template <class T>
  const T* from(const T* p, int times) const {
    return times == 0 ? p : times == 1 ? on(p, one_) : times == 2 ? on(p, 2 * one_) : on(p, three_);
  }
  std::ptrdiff_t four() const { return 4 * one_; }

 private:
  template <class T>
  static const T* on(const T* p, std::ptrdiff_t bytes) {
    return reinterpret_cast<const T*>(reinterpret_cast<const char*>(p) + bytes);
  }

  std::ptrdiff_t one_, three_;
};

}  // namespace
}  // namespace intaglio
