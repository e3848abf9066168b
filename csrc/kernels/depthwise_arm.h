// What the Arm depthwise kernels have in common: a chunk is 16 channels.
#pragma once

#include "kernels/depthwise_impl.h"
#include "kernels/rounding_arm.h"

namespace intaglio {
namespace {

struct SimdArm : RoundingNeon {
  static constexpr int kLanes = 4;

  static INTAGLIO_INLINE Vector load(const void* address) {
    return vld1q_s32(static_cast<const std::int32_t*>(address));
  }
  static INTAGLIO_INLINE void store(std::uint8_t* out, Bytes bytes) { vst1q_u8(out, bytes); }
  static INTAGLIO_INLINE void store_some(std::uint8_t* out, Bytes bytes, std::size_t count) {
    std::uint8_t buffer[16];
    vst1q_u8(buffer, bytes);
    for (std::size_t i = 0; i < count; ++i) out[i] = buffer[i];
  }
};

// Four rows to a cell, for dot products of four bytes. Each byte of input has kFlip turned.
template <std::uint8_t kFlip>
struct FourRows : SimdArm {
  static constexpr int kSites = 7;
  static constexpr int kSitesInRuns = 6;
  static constexpr std::size_t kGroupRows = 4;

  static INTAGLIO_INLINE void interleave(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    const uint8x16_t row0 = load_row(rows[0] + at), row1 = load_row(rows[1] + at);
    const uint8x16_t row2 = load_row(rows[2] + at), row3 = load_row(rows[3] + at);
    const uint16x8_t low01 = vreinterpretq_u16_u8(vzip1q_u8(row0, row1));
    const uint16x8_t high01 = vreinterpretq_u16_u8(vzip2q_u8(row0, row1));
    const uint16x8_t low23 = vreinterpretq_u16_u8(vzip1q_u8(row2, row3));
    const uint16x8_t high23 = vreinterpretq_u16_u8(vzip2q_u8(row2, row3));
    vst1q_u8(cells, vreinterpretq_u8_u16(vzip1q_u16(low01, low23)));
    vst1q_u8(cells + 16, vreinterpretq_u8_u16(vzip2q_u16(low01, low23)));
    vst1q_u8(cells + 32, vreinterpretq_u8_u16(vzip1q_u16(high01, high23)));
    vst1q_u8(cells + 48, vreinterpretq_u8_u16(vzip2q_u16(high01, high23)));
  }
  static INTAGLIO_INLINE void interleave_narrow(const std::uint8_t* const* rows, std::size_t at, std::uint8_t* cells) {
    interleave(rows, at, cells);
  }

 private:
  static INTAGLIO_INLINE uint8x16_t load_row(const std::uint8_t* address) {
    return veorq_u8(vld1q_u8(address), vdupq_n_u8(kFlip));
  }
};

}  // namespace
}  // namespace intaglio
