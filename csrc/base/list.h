// A growing list of trivially copyable elements in an Allocator's memory.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/memory.h"

namespace intaglio {

template <class T>
class List {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit List(Allocator& allocator) : allocator_(&allocator) {}

  // False when there is no memory; the list is then unchanged.
  [[nodiscard]] bool push(const T& value) {
    if (size_ == array_.size()) {
      Array<T> larger(*allocator_, size_ == 0 ? 16 : 2 * size_);
      if (!larger.ok()) return false;
      if (size_ > 0) std::memcpy(static_cast<void*>(larger.data()), array_.data(), size_ * sizeof(T));
      array_ = std::move(larger);
    }
    array_[size_++] = value;
    return true;
  }

  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return array_[i]; }
  const T& operator[](std::size_t i) const { return array_[i]; }
  T* begin() { return array_.data(); }
  T* end() { return array_.data() + size_; }
  const T* begin() const { return array_.data(); }
  const T* end() const { return array_.data() + size_; }

 private:
  Allocator* allocator_;
  Array<T> array_;
  std::size_t size_ = 0;
};

}  // namespace intaglio
