#include <algorithm>
#include <bit>

#include "kernels/vector.h"
#include "ops/activation.h"
#include "ops/binary.h"
#include "ops/checks.h"
#include "ops/requantization.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kInt32Max = (std::int64_t{1} << 31) - 1;
// The value of the attribute requant that scales in float32.
constexpr std::int64_t kScaled = 2;
// Keeps products of bytes and sums of two of them finite.
constexpr float kLargestScale = 1048576.0F;

// The attributes of add and sub as docs/format.md lays them out.
struct Attributes {
  std::int64_t mode;
  std::span<const std::int64_t> clamp, multiplier, shift;
  std::int64_t left_shift;
};

Result<Attributes> read_attributes(const Node& node) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 10));
  const auto attrs = node.attrs;
  INTAGLIO_TRY(check_between(node, "requant", attrs[0], 0, kScaled));
  const Attributes attributes{attrs[0], attrs.subspan(1, 2), attrs.subspan(3, 3), attrs.subspan(6, 3), attrs[9]};
  INTAGLIO_TRY(check_clamp(node, attributes.clamp[0], attributes.clamp[1]));
  for (const std::int64_t multiplier : attributes.multiplier) {
    INTAGLIO_TRY(check_between(node, "multiplier", multiplier, attributes.mode == kScaled ? ~kInt32Max : 0, kInt32Max));
  }
  return attributes;
}

// Fills in the float32 mode: (a - za) * ma + (b - zb) * mb is a * ma + b * mb + constant modulo 2^32.
Status set_float32(const Node& node, const Attributes& attributes, const std::int64_t (&reaches)[2], std::int64_t sign,
                   BinaryParameters& parameters) {
  const std::int64_t shift = attributes.shift[0];
  INTAGLIO_TRY(check_between(node, "shift", shift, 1, 30));
  for (const std::int64_t unused :
       {attributes.multiplier[2], attributes.shift[1], attributes.shift[2], attributes.left_shift}) {
    INTAGLIO_TRY(check_between(node, "attributes of the fixed mode", unused, 0, 0));
  }
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  const std::int64_t a = attributes.multiplier[0], b = attributes.multiplier[1];
  INTAGLIO_TRY(check_between(node, "largest accumulator", reaches[0] * a + reaches[1] * b + half, 0, kInt32Max));
  parameters.factor_a = static_cast<std::int32_t>(a);
  parameters.factor_b = static_cast<std::int32_t>(sign * b);
  parameters.constant = static_cast<std::int32_t>(
      static_cast<std::uint32_t>(half - parameters.zero_a * a - parameters.zero_b * sign * b));
  parameters.shift = static_cast<std::int32_t>(shift);
  return {};
}

// Fills in the scaled mode, whose multipliers are the bits of float32 numbers: two scales, and the term.
// The shift is the stored byte that counts as 0.
Status set_scaled(const Node& node, const Attributes& attributes, float sign, BinaryParameters& parameters) {
  for (const std::int64_t unused : {attributes.shift[1], attributes.shift[2], attributes.left_shift}) {
    INTAGLIO_TRY(check_between(node, "attributes of the other modes", unused, 0, 0));
  }
  const std::int64_t origin = attributes.shift[0];
  INTAGLIO_TRY(check_between(node, "shift as 0 or 128", origin & ~std::int64_t{kStorageOffset}, 0, 0));
  float numbers[3];
  for (std::size_t i = 0; i < 3; ++i) {
    numbers[i] = std::bit_cast<float>(static_cast<std::int32_t>(attributes.multiplier[i]));
    const bool fits = numbers[i] >= (i < 2 ? 0.0F : -1024.0F * kLargestScale) &&
                      numbers[i] <= (i < 2 ? kLargestScale : 1024.0F * kLargestScale);
    INTAGLIO_TRY(check_between(node, "multiplier as a float32 in range", fits ? 1 : 0, 1, 1));
  }
  parameters.scale_a = numbers[0];
  parameters.scale_b = sign * numbers[1];
  parameters.term = numbers[2];
  parameters.origin = static_cast<std::int32_t>(origin);
  return {};
}

// Fills in the fixed mode, where every value shifted left has to stay in int32.
Status set_fixed(const Node& node, const Attributes& attributes, const std::int64_t (&reaches)[2], std::int32_t sign,
                 BinaryParameters& parameters) {
  for (const std::int64_t shift : attributes.shift) INTAGLIO_TRY(check_between(node, "shift", shift, -31, 30));
  INTAGLIO_TRY(check_between(node, "left_shift", attributes.left_shift, 0, 22));
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t shift = attributes.shift[i];
    const std::int64_t operand = (reaches[i] << attributes.left_shift) << std::max<std::int64_t>(shift, 0);
    INTAGLIO_TRY(check_between(node, "largest operand shifted left", operand, 0, kInt32Max));
    sum += ((operand * attributes.multiplier[i]) >> 31 >> std::max<std::int64_t>(-shift, 0)) + 2;
  }
  INTAGLIO_TRY(check_between(node, "largest sum shifted left", sum << std::max<std::int64_t>(attributes.shift[2], 0), 0,
                             kInt32Max));
  const auto set = [&](std::size_t i) {
    return FixedMultiplier{static_cast<std::int32_t>(attributes.multiplier[i]),
                           static_cast<std::int32_t>(attributes.shift[i])};
  };
  parameters.fixed_a = set(0);
  parameters.fixed_b = set(1);
  parameters.fixed_y = set(2);
  parameters.left_shift = static_cast<std::int32_t>(attributes.left_shift);
  parameters.sign_b = sign;
  return {};
}

// sub is add with the sign of b turned.
Status prepare(const Node& node, Planner& planner, std::int32_t sign) {
  auto read = read_attributes(node);
  if (!read.ok()) return read.status();
  const Attributes& attributes = read.value();
  INTAGLIO_TRY(check_binary(node, planner.model()));
  const Tensor& a = planner.model().input(node, 0);
  const Tensor& b = planner.model().input(node, 1);

  auto* parameters = planner.make<BinaryParameters>();
  if (parameters == nullptr) return out_of_memory(node);
  parameters->zero_a = stored_zero(a);
  parameters->zero_b = stored_zero(b);
  parameters->zero_y = stored_zero(planner.model().output(node));
  parameters->low = static_cast<std::int32_t>(attributes.clamp[0]) + kStorageOffset;
  parameters->high = static_cast<std::int32_t>(attributes.clamp[1]) + kStorageOffset;
  const std::int64_t reaches[2] = {reach(a), reach(b)};
  const VectorKernels& kernels = *planner.kernels().vector;
  if (attributes.mode == kScaled) {
    INTAGLIO_TRY(set_scaled(node, attributes, static_cast<float>(sign), *parameters));
    return emit_binary(node, planner, kernels.add_scaled, parameters);
  }
  if (static_cast<RequantizationMode>(attributes.mode) == RequantizationMode::kFloat32) {
    INTAGLIO_TRY(set_float32(node, attributes, reaches, sign, *parameters));
    return emit_binary(node, planner, kernels.add, parameters);
  }
  INTAGLIO_TRY(set_fixed(node, attributes, reaches, sign, *parameters));
  return emit_binary(node, planner, kernels.add_fixed, parameters);
}

}  // namespace

Status prepare_add(const Node& node, Planner& planner) { return prepare(node, planner, 1); }
Status prepare_sub(const Node& node, Planner& planner) { return prepare(node, planner, -1); }

}  // namespace intaglio
