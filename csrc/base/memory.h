// All memory of the core comes from an Allocator that the embedder gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace intaglio {

// Every buffer starts at a multiple of this many bytes, and kernels may read (not write) this many bytes past its end.
inline constexpr std::size_t kAlignment = 64;
inline constexpr std::size_t kSlack = 64;

// Memory of this size and more may lie in huge pages, whose addresses the CPU translates with a 512th of the entries.
inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

class Allocator {
 public:
  // kAlignment-aligned memory of at least `bytes` bytes, or nullptr.
  virtual void* allocate(std::size_t bytes) noexcept = 0;
  virtual void release(void* memory, std::size_t bytes) noexcept = 0;
  // Whether memory costs nothing before it is written, so that more of it may be taken than is needed.
  virtual bool on_demand() const noexcept { return false; }

 protected:
  ~Allocator() = default;
};

Allocator& system_allocator();

constexpr std::size_t align_up(std::size_t value, std::size_t alignment = kAlignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// An owning, fixed-length, zero-initialised array of trivially destructible elements, kAlignment-aligned and followed
// by kSlack readable bytes. Empty when the allocator had no memory: check `ok()` after construction.
template <class T>
class Array {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Array() = default;
  Array(Allocator& allocator, std::size_t size) : allocator_(&allocator), size_(size) {
    data_ = static_cast<T*>(allocator.allocate(bytes()));
    if (data_ == nullptr) {
      size_ = 0;
      return;
    }
    for (std::size_t i = 0; i < size; ++i) new (data_ + i) T();
  }
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    swap(other);
    return *this;
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    if (data_ != nullptr) allocator_->release(data_, bytes());
  }

  bool ok() const { return data_ != nullptr; }
  std::size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  operator std::span<const T>() const { return {data_, size_}; }

 private:
  std::size_t bytes() const { return size_ * sizeof(T) + kSlack; }
  void swap(Array& other) noexcept {
    std::swap(allocator_, other.allocator_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Allocator* allocator_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// The element of an Array that is not to be cleared.
struct Uninitialized {
  std::byte value;
  Uninitialized() {}  // NOLINT: leaves `value` as it is
};

}  // namespace intaglio
