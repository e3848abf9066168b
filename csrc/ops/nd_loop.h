// Nested loops over several operands that advance differently: what broadcasting, transposing and slicing come down to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace intaglio {

// Of tensors (docs/format.md).
inline constexpr int kMaxRank = 8;

// Loops, outermost first, over N operands. Strides are in the operands' elements and may be zero or negative.
template <int N>
struct NdLoop {
  int rank = 0;
  std::int64_t count[kMaxRank] = {};
  std::int64_t stride[kMaxRank][N] = {};

  // Adds a loop inside those there are. Loops of one turn vanish, and a loop that continues the one around it in every
  // operand is merged with it.
  void add(std::int64_t turns, const std::int64_t (&strides)[N]) {
    if (turns == 1) return;
    bool continues = rank > 0;
    for (int k = 0; continues && k < N; ++k) continues = stride[rank - 1][k] == strides[k] * turns;
    if (continues) {
      count[rank - 1] *= turns;
    } else {
      count[rank++] = turns;
    }
    for (int k = 0; k < N; ++k) stride[rank - 1][k] = strides[k];
  }

  void remove(int loop) {
    NdLoop rest;
    for (int i = 0; i < rank; ++i) {
      if (i == loop) continue;
      rest.count[rest.rank] = count[i];
      for (int k = 0; k < N; ++k) rest.stride[rest.rank][k] = stride[i][k];
      ++rest.rank;
    }
    *this = rest;
  }

  std::int64_t total() const {
    std::int64_t product = 1;
    for (int i = 0; i < rank; ++i) product *= count[i];
    return product;
  }
};

// A place in the loops, counted in turns of the innermost.
template <int N>
class NdPosition {
 public:
  NdPosition(const NdLoop<N>& loop, std::int64_t index) : loop_(loop) {
    for (int i = loop.rank - 1; i >= 0; --i) {
      turn_[i] = index % loop.count[i];
      index /= loop.count[i];
      for (int k = 0; k < N; ++k) offset_[k] += turn_[i] * loop.stride[i][k];
    }
  }
  std::int64_t offset(int operand) const { return offset_[operand]; }

  void next() {
    for (int i = loop_.rank - 1; i >= 0; --i) {
      for (int k = 0; k < N; ++k) offset_[k] += loop_.stride[i][k];
      if (++turn_[i] < loop_.count[i]) return;
      for (int k = 0; k < N; ++k) offset_[k] -= turn_[i] * loop_.stride[i][k];
      turn_[i] = 0;
    }
  }

 private:
  const NdLoop<N>& loop_;
  std::int64_t turn_[kMaxRank] = {};
  std::int64_t offset_[N] = {};
};

// A list of dims, for shapes that an op works out.
struct Dims {
  std::int64_t at[kMaxRank] = {};
  std::size_t rank = 0;

  Dims() = default;
  explicit Dims(std::span<const std::int64_t> dims) : rank(dims.size()) {
    for (std::size_t i = 0; i < rank; ++i) at[i] = dims[i];
  }
  void push(std::int64_t dim) { at[rank++] = dim; }
  std::span<const std::int64_t> span() const { return {at, rank}; }
};

// Element strides of a dense tensor. Strides of a tensor without elements mean nothing.
struct Strides {
  std::int64_t at[kMaxRank] = {};
  explicit Strides(std::span<const std::int64_t> dims) {
    std::uint64_t stride = 1;
    for (std::size_t i = dims.size(); i-- > 0;) {
      at[i] = static_cast<std::int64_t>(stride);
      stride *= static_cast<std::uint64_t>(dims[i]);
    }
  }
};

}  // namespace intaglio
