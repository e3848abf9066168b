// Between the caller's arrays and the arena: int8 is stored as uint8 = int8 ^ 0x80, everything else as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "model/model.h"
#include "runtime/planner.h"

namespace intaglio {

struct PortCopy {
  Slot slot;
  std::size_t bytes = 0;  // of one sample
  bool flip = false;      // the caller sees int8
};

void copy_in(const PortCopy& port, const std::byte* from, const Memory& memory);
void copy_out(const PortCopy& port, const Memory& memory, std::byte* to);

// An error that names the first NaN in `samples` samples of a float32 port, of which the first is number `first`.
Status check_numbers(const Tensor& port, const std::byte* values, std::int64_t first, std::int64_t samples);

// to[i] = from[i] ^ 0x80
void flip_signs(const std::byte* from, std::byte* to, std::size_t bytes);

// q = clamp(rne(x / scale) + zero_point, -128, 127), as int8 or, shifted by 128, as uint8. Returns the index of the
// first NaN, whose q means nothing, or `count`.
std::size_t quantize(const float* x, std::size_t count, float scale, std::int32_t zero_point, DType dtype, void* q);
// x = float32(q - zero_point) * scale.
void dequantize(const void* q, std::size_t count, float scale, std::int32_t zero_point, DType dtype, float* x);

}  // namespace intaglio
