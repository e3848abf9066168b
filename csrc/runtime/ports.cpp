#include "runtime/ports.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "base/text.h"

namespace intaglio {

void flip_signs(const std::byte* from, std::byte* to, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to[i] = from[i] ^ std::byte{0x80};
}

void copy_in(const PortCopy& port, const std::byte* from, const Memory& memory) {
  std::byte* const to = memory.at<std::byte>(port.slot);
  if (port.flip) {
    flip_signs(from, to, port.bytes);
  } else if (port.bytes > 0) {
    std::memcpy(to, from, port.bytes);
  }
}

void copy_out(const PortCopy& port, const Memory& memory, std::byte* to) {
  const std::byte* const from = memory.at<std::byte>(port.slot);
  if (port.flip) {
    flip_signs(from, to, port.bytes);
  } else if (port.bytes > 0) {
    std::memcpy(to, from, port.bytes);
  }
}

namespace {

// The first NaN, or `count`.
std::size_t find_nan(const float* values, std::size_t count) {
  // Whole blocks without a branch: the compiler makes vectors of them.
  constexpr std::size_t kBlock = 1024;
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, count);
    std::uint32_t found = 0;
    for (std::size_t i = begin; i < end; ++i) found |= static_cast<std::uint32_t>(values[i] != values[i]);
    if (found != 0)
      return static_cast<std::size_t>(std::find_if(values + begin, values + end, [](float x) { return x != x; }) -
                                      values);
  }
  return count;
}

}  // namespace

Status check_numbers(const Tensor& port, const std::byte* values, std::int64_t first, std::int64_t samples) {
  const auto* const floats = reinterpret_cast<const float*>(values) + first * port.elements;
  const auto count = static_cast<std::size_t>(samples * port.elements);
  const std::size_t found = find_nan(floats, count);
  if (found == count) return {};
  // The index along each axis; the first counts the samples too.
  char position[128] = "";
  std::size_t used = 0;
  std::int64_t rest = first * port.elements + static_cast<std::int64_t>(found);
  std::int64_t inner = port.elements;
  for (std::size_t axis = 0; axis < port.dims.size(); ++axis) {
    inner /= port.dims[axis];
    const char* const format = axis == 0 ? "%" PRId64 : ", %" PRId64;
    used += write_text(position + used, sizeof(position) - used, format, rest / inner);
    rest %= inner;
  }
  const auto name = port.name;
  return Status::error(Code::kInput, "input '%.*s': NaN at (%s%s)",
                       static_cast<int>(std::min<std::size_t>(name.size(), 100)), name.data(), position,
                       port.dims.size() == 1 ? "," : "");
}

namespace {

// Beyond this every zero point saturates, and below it the addition of 1.5 * 2^23 rounds to the nearest even integer.
constexpr float kFarAway = 1024.0f;
constexpr float kRounder = 12582912.0f;

template <int kOffset, class T>
void quantize_all(const float* x, std::size_t count, float scale, std::int32_t zero_point, T* q) {
  for (std::size_t i = 0; i < count; ++i) {
    float scaled = x[i] / scale;
    scaled = scaled > kFarAway ? kFarAway : scaled;
    scaled = scaled > -kFarAway ? scaled : -kFarAway;  // NaN too
    const auto rounded = static_cast<std::int32_t>((scaled + kRounder) - kRounder);
    q[i] = static_cast<T>(std::clamp<std::int32_t>(rounded + zero_point, -128, 127) + kOffset);
  }
}

template <class T>
void dequantize_all(const T* q, std::size_t count, float scale, std::int32_t zero_point, float* x) {
  for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<float>(q[i] - zero_point) * scale;
}

}  // namespace

std::size_t quantize(const float* x, std::size_t count, float scale, std::int32_t zero_point, DType dtype, void* q) {
  if (dtype == DType::kUint8) {
    quantize_all<kStorageOffset>(x, count, scale, zero_point, static_cast<std::uint8_t*>(q));
  } else {
    quantize_all<0>(x, count, scale, zero_point, static_cast<std::int8_t*>(q));
  }
  bool nan = false;
  for (std::size_t i = 0; i < count; ++i) nan |= x[i] != x[i];
  if (!nan) return count;
  return static_cast<std::size_t>(std::find_if(x, x + count, [](float v) { return v != v; }) - x);
}

void dequantize(const void* q, std::size_t count, float scale, std::int32_t zero_point, DType dtype, float* x) {
  if (dtype == DType::kUint8) {
    dequantize_all(static_cast<const std::uint8_t*>(q), count, scale, zero_point + kStorageOffset, x);
  } else {
    dequantize_all(static_cast<const std::int8_t*>(q), count, scale, zero_point, x);
  }
}

}  // namespace intaglio
