#include <algorithm>
#include <bit>
#include <cinttypes>
#include <limits>

#include "kernels/vector.h"
#include "ops/activation.h"
#include "ops/checks.h"
#include "ops/requantization.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kTableSize = 256;
constexpr std::int64_t kElementCost = 256;
constexpr std::int64_t kInt32Max = std::numeric_limits<std::int32_t>::max();
// Longest axis in each mode, so that the sum of the table's values fits.
constexpr std::int64_t kLongestFloat32 = std::int64_t{1} << 20, kLongestFixed = 4095;
constexpr std::int64_t kLargestExpFloat32 = std::int64_t{1} << 22;

struct Arguments {
  Slot x, y;
  MaxFunction max;
  LookupFunction lookup;
  std::int64_t rows, length;
  std::uint64_t numerator;  // float32 mode
  std::int64_t zero;        // stored zero point of y
  const std::int32_t* exp;  // by max - x
};

std::int64_t srdhm(std::int64_t a, std::int64_t b) { return (a * b + (std::int64_t{1} << 30)) >> 31; }

std::int64_t rdivpot(std::int64_t x, int exponent) {
  const std::int64_t mask = (std::int64_t{1} << exponent) - 1;
  return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0) ? 1 : 0);
}

std::int64_t saturate(std::int64_t x) { return std::clamp(x, -kInt32Max - 1, kInt32Max); }

// one_over_one_plus_x of docs/arithmetic.md, for a in [0, 2^31).
std::int64_t one_over_one_plus_x(std::int64_t a) {
  const std::int64_t half = (a + kInt32Max + 1) / 2;
  std::int64_t x = 1515870810 + srdhm(half, -1010580540);
  for (int i = 0; i < 3; ++i) x += saturate(4 * srdhm(x, (std::int64_t{1} << 29) - srdhm(half, x)));
  return saturate(2 * x);
}

// What each entry of `exp` adds to a row's sum, and its stored value where the sum is `sum`.
struct Float32Row {
  static std::int64_t term(std::int64_t exp) { return exp; }
  Float32Row(const Arguments& args, std::int64_t sum)
      : ratio(args.numerator / static_cast<std::uint64_t>(sum)), zero(args.zero) {}
  std::uint8_t operator()(std::int64_t exp) const {
    const std::uint64_t rounded = (static_cast<std::uint64_t>(exp) * ratio + (std::uint64_t{1} << 47)) >> 48;
    return static_cast<std::uint8_t>(std::min<std::int64_t>(255, static_cast<std::int64_t>(rounded) + zero));
  }
  std::uint64_t ratio;
  std::int64_t zero;
};

struct FixedRow {
  static std::int64_t term(std::int64_t exp) { return rdivpot(exp, 12); }
  FixedRow(const Arguments&, std::int64_t sum) {
    const int leading = std::countl_zero(static_cast<std::uint32_t>(sum));
    reciprocal = one_over_one_plus_x((sum << leading) - kInt32Max - 1);
    exponent = 12 - leading + 31 - 8;
  }
  std::uint8_t operator()(std::int64_t exp) const {
    return static_cast<std::uint8_t>(std::min<std::int64_t>(255, rdivpot(srdhm(reciprocal, exp), exponent)));
  }
  std::int64_t reciprocal;
  int exponent;
};

template <class Row>
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const Range range = split(args.rows, part, parts);
  const auto length = static_cast<std::size_t>(args.length);
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    const std::uint8_t* x = memory.at<std::uint8_t>(args.x) + row * args.length;
    std::uint8_t* y = memory.at<std::uint8_t>(args.y) + row * args.length;
    const std::uint8_t max = args.max(x, length);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += Row::term(args.exp[max - x[i]]);
    const Row value(args, sum);
    if (length < kTableSize) {
      for (std::size_t i = 0; i < length; ++i) y[i] = value(args.exp[max - x[i]]);
    } else {
      std::uint8_t table[kTableSize] = {};
      for (std::size_t i = 0; i <= max; ++i) table[i] = value(args.exp[max - i]);
      args.lookup(table, x, y, length);
    }
  }
}

Status check_float32(const Node& node, const Tensor& table) {
  INTAGLIO_TRY(check_between(node, "numerator", node.attrs[1], 1, std::numeric_limits<std::int64_t>::max()));
  for (const std::int32_t exp : table.values<std::int32_t>()) {
    INTAGLIO_TRY(check_between(node, "table", exp, 0, kLargestExpFloat32));
  }
  return check_between(node, "table[0]", table.values<std::int32_t>()[0], 1, kLargestExpFloat32);
}

Status check_fixed(const Node& node, const Tensor& table, const Tensor& y) {
  INTAGLIO_TRY(check_between(node, "numerator", node.attrs[1], 0, 0));
  for (const std::int32_t exp : table.values<std::int32_t>()) {
    INTAGLIO_TRY(check_between(node, "table", exp, 0, kInt32Max));
  }
  INTAGLIO_TRY(check_between(node, "table[0]", table.values<std::int32_t>()[0], kInt32Max, kInt32Max));
  if (y.scale != 1.0F / 256 || y.zero_point != -128) {
    return node_error(Code::kQuantization, node,
                      "quantization of the output: expected (1/256, -128), got (%g, %" PRId32 ")",
                      static_cast<double>(y.scale), y.zero_point);
  }
  return {};
}

}  // namespace

Status prepare_softmax(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 2));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& table = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_between(node, "requant", node.attrs[0], 0, 1));
  const bool fixed = static_cast<RequantizationMode>(node.attrs[0]) == RequantizationMode::kFixed;
  INTAGLIO_TRY(check_activation(node, x, "input"));
  INTAGLIO_TRY(check_activation(node, y, "output"));
  INTAGLIO_TRY(check_dims(node, y, "output", x.dims));
  if (x.dims.empty()) return node_error(Code::kShape, node, "rank of the input: expected at least 1, got 0");
  INTAGLIO_TRY(check_between(node, "last axis", x.dims.back(), 0, fixed ? kLongestFixed : kLongestFloat32));
  INTAGLIO_TRY(check_constant(node, table, "table", DType::kInt32, {kTableSize}));
  INTAGLIO_TRY(fixed ? check_fixed(node, table, y) : check_float32(node, table));
  if (y.elements == 0) return {};

  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  args->exp = planner.keep(table.values<std::int32_t>());
  if (args->exp == nullptr) return out_of_memory(node);
  args->x = planner.tensor(node.inputs[0]);
  args->y = planner.tensor(node.outputs[0]);
  args->max = planner.kernels().vector->max.run;
  args->lookup = planner.kernels().vector->lookup.run;
  args->length = x.dims.back();
  args->rows = y.elements / args->length;
  args->numerator = static_cast<std::uint64_t>(node.attrs[1]);
  args->zero = stored_zero(y);
  const int parts = planner.parts_for(y.elements * kElementCost);
  return planner.emit({.run = fixed ? run<FixedRow> : run<Float32Row>,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(parts, args->rows)),
                       .kernel = fixed ? "softmax_fixed_u8" : "softmax_u8"});
}

}  // namespace intaglio
