// Transposing matrices of bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intaglio {

// to[row * to_stride + column] = from[column * from_stride + row].
void transpose_bytes(const std::byte* from, std::ptrdiff_t from_stride, std::byte* to, std::ptrdiff_t to_stride,
                     std::int64_t rows, std::int64_t columns);

}  // namespace intaglio
