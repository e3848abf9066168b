#include "gemm/pack.h"

#include <algorithm>
#include <cstring>

namespace intaglio {

namespace {

constexpr auto kColumns = static_cast<std::int64_t>(kPanelColumns);
constexpr auto kGroup = static_cast<std::int64_t>(kGroupBytes);

// One group of four depths of one column, those beyond `count` zero.
std::uint32_t gather(const std::int8_t* source, std::ptrdiff_t stride, std::int64_t count, std::uint8_t flip) {
  std::uint8_t bytes[kGroupBytes] = {};
  for (std::int64_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(source[i * stride]) ^ flip;
  std::uint32_t group;
  std::memcpy(&group, bytes, sizeof(group));
  return group;
}

// One run of one column: its groups lie a panel row (16 columns of 4 bytes) apart.
std::int8_t* pack_run(const WeightLayout& layout, const std::int8_t* source, std::int8_t* target, std::uint8_t flip) {
  constexpr std::int64_t kStep = kColumns * kGroup;
  std::int64_t depth = 0;
  if (layout.depth_stride == 1 && flip == 0) {
    for (; depth + kGroup <= layout.depth; depth += kGroup, target += kStep) {
      std::memcpy(target, source + depth, static_cast<std::size_t>(kGroup));
    }
  }
  for (; depth < layout.depth; depth += kGroup, target += kStep) {
    const std::uint32_t group =
        gather(source + depth * layout.depth_stride, layout.depth_stride, std::min(kGroup, layout.depth - depth), flip);
    std::memcpy(target, &group, sizeof(group));
  }
  return target;
}

void pack_panels(const WeightLayout& layout, std::size_t bytes, std::int8_t* packed, std::uint8_t flip) {
  for (std::int64_t first = 0; first < layout.columns; first += kColumns, packed += bytes) {
    const std::int64_t columns = std::min(kColumns, layout.columns - first);
    if (columns < kColumns) std::memset(packed, 0, bytes);
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::int8_t* source = layout.values + (first + column) * layout.column_stride;
      std::int8_t* target = packed + column * kGroup;
      for (const std::ptrdiff_t tap : layout.taps) target = pack_run(layout, source + tap, target, flip);
    }
  }
}

void pack_columns(const WeightLayout& layout, std::int8_t* packed, std::uint8_t flip) {
  for (std::int64_t column = 0; column < layout.columns; ++column) {
    for (const std::ptrdiff_t tap : layout.taps) {
      const std::int8_t* source = layout.values + column * layout.column_stride + tap;
      for (std::int64_t i = 0; i < layout.depth; ++i) {
        *packed++ = static_cast<std::int8_t>(static_cast<std::uint8_t>(source[i * layout.depth_stride]) ^ flip);
      }
    }
  }
}

}  // namespace

void pack(const GemmKernels& kernels, const WeightLayout& layout, std::int8_t* packed, std::uint8_t flip) {
  if (kernels.in_place) return pack_columns(layout, packed, flip);
  const std::size_t groups = kernels.group_count(layout.taps.size(), static_cast<std::size_t>(layout.depth));
  pack_panels(layout, panel_bytes(groups), packed, flip);
}

bool lies_packed(const GemmKernels& kernels, const WeightLayout& layout) {
  if (!kernels.in_place || layout.depth_stride != 1) return false;
  const auto runs = static_cast<std::ptrdiff_t>(layout.taps.size());
  for (std::ptrdiff_t run = 0; run < runs; ++run) {
    if (layout.taps[static_cast<std::size_t>(run)] != run * layout.depth) return false;
  }
  return layout.column_stride == runs * layout.depth;
}

namespace {

// The most weights, at most 255 each less the zero point, whose sums of one sign fit 16 bits. In those, and one byte
// apart, they vectorize best.
constexpr std::int64_t kBlock = 256;

struct BlockSums {
  std::uint16_t positive, negative;
};

BlockSums sum_block(const std::int8_t* weights, std::int64_t count, std::ptrdiff_t stride, std::int16_t zero_point) {
  std::uint16_t positive = 0, negative = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto weight = static_cast<std::int16_t>(weights[i * stride] - zero_point);
    positive = static_cast<std::uint16_t>(positive + (weight > 0 ? weight : 0));
    negative = static_cast<std::uint16_t>(negative - (weight < 0 ? weight : 0));
  }
  return {positive, negative};
}

}  // namespace

WeightSums sum_weights(const WeightLayout& layout, std::int64_t column, std::int32_t zero_point) {
  const std::ptrdiff_t stride = layout.depth_stride;
  WeightSums sums;
  const std::int8_t* source = layout.values + column * layout.column_stride;
  for (const std::ptrdiff_t tap : layout.taps) {
    for (std::int64_t begin = 0; begin < layout.depth; begin += kBlock) {
      const std::int64_t count = std::min(kBlock, layout.depth - begin);
      const std::int8_t* weights = source + tap + begin * stride;
      const auto offset = static_cast<std::int16_t>(zero_point);
      const BlockSums block =
          stride == 1 ? sum_block(weights, count, 1, offset) : sum_block(weights, count, stride, offset);
      sums.positive += block.positive;
      sums.negative -= block.negative;
    }
  }
  return sums;
}

}  // namespace intaglio
