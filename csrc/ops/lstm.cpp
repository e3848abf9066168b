// lstm: two products of a matrix and a vector per step, then gates in fixed point. The output of a step is the state
// that the next one reads.
#include <algorithm>
#include <cstring>

#include "kernels/float_vector.h"
#include "ops/checks.h"
#include "ops/fixed16.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kGates = 4, kMultipliers = 2 * kGates + 1;
constexpr int kGateBits = 3;                // integer bits of what gates take
constexpr std::int64_t kMostTerms = 65536;  // sums of fewer products of bytes fit int32

// A matrix [4 * units, depth] and the sums of a vector of zero bytes.
struct Product {
  const std::int8_t* weights;
  const std::int32_t* bias;
  std::int64_t depth;
};

struct Arguments {
  Slot x, y;
  Slot sums;  // int32 [2, 4 * units] per sequence: of x, of the last output
  Slot cell;  // int32 [units] per sequence
  Product input, recurrent;
  const std::uint8_t* initial;  // [units], the output that stands for zero
  std::int32_t multiplier[kMultipliers], shift[kMultipliers];
  std::int64_t batch, steps, units;
  std::int32_t zero_point, clip;
  int cell_bits;
  DotsFunction dots;
};

void multiply(const Arguments& a, const Product& product, const std::uint8_t* vector, std::int32_t* sums) {
  const auto rows = static_cast<std::size_t>(kGates * a.units);
  std::memcpy(sums, product.bias, rows * sizeof(std::int32_t));
  a.dots(vector, product.weights, product.depth, static_cast<std::size_t>(product.depth), sums, rows);
}

void step(const Arguments& a, const std::int32_t* input, const std::int32_t* recurrent, std::int32_t* cell,
          std::uint8_t* y) {
  for (std::int64_t unit = 0; unit < a.units; ++unit) {
    std::int32_t gate[kGates];
    for (std::int64_t g = 0; g < kGates; ++g) {
      const std::int64_t at = g * a.units + unit;
      const std::int32_t first = fixed16::saturated(fixed16::mbqm(input[at], a.multiplier[g], a.shift[g]));
      gate[g] = fixed16::saturated(first + fixed16::mbqm(recurrent[at], a.multiplier[kGates + g], a.shift[kGates + g]));
    }
    const std::int64_t update = fixed16::rdivpot(
        std::int64_t{fixed16::logistic(gate[0])} * fixed16::tanh(gate[2], kGateBits), 15 + a.cell_bits);
    const std::int64_t kept = fixed16::rdivpot(std::int64_t{fixed16::logistic(gate[1])} * cell[unit], 15);
    cell[unit] = fixed16::saturated(kept + update);
    if (a.clip > 0) cell[unit] = std::clamp(cell[unit], -a.clip, a.clip);
    const std::int64_t hidden = std::int64_t{fixed16::logistic(gate[3])} * fixed16::tanh(cell[unit], a.cell_bits);
    const std::int64_t q = fixed16::mbqm(hidden, a.multiplier[2 * kGates], a.shift[2 * kGates]) + a.zero_point;
    y[unit] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(q, 0, 255));
  }
}

// Parts are ranges of sequences.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const Range range = split(a.batch, part, parts);
  for (std::int64_t n = range.begin; n < range.end; ++n) {
    const std::uint8_t* x = memory.at<const std::uint8_t>(a.x) + n * a.steps * a.input.depth;
    std::uint8_t* y = memory.at<std::uint8_t>(a.y) + n * a.steps * a.units;
    std::int32_t* sums = memory.at<std::int32_t>(a.sums) + n * 2 * kGates * a.units;
    std::int32_t* cell = memory.at<std::int32_t>(a.cell) + n * a.units;
    std::fill_n(cell, a.units, 0);
    const std::uint8_t* last = a.initial;
    for (std::int64_t t = 0; t < a.steps; ++t, x += a.input.depth, y += a.units) {
      multiply(a, a.input, x, sums);
      multiply(a, a.recurrent, last, sums + kGates * a.units);
      step(a, sums, sums + kGates * a.units, cell, y);
      last = y;
    }
  }
}

struct Sums {
  const Tensor* weight;
  const std::int32_t* bias;   // nullptr: zeros
  std::int32_t zero_point;    // of the vector as stored, [0, 255]
  const std::int32_t* shift;  // by gate
};

// Proves that no sum leaves int32, nor does it shifted left, and makes the product's own copy of what it needs.
Result<Product> make_product(const Node& node, Planner& planner, const Sums& sums, std::int64_t units) {
  const std::int64_t depth = sums.weight->dims[2], rows = kGates * units;
  auto* weights = static_cast<std::int8_t*>(planner.allocate(sums.weight->bytes));
  auto* bias = planner.make<std::int32_t>(static_cast<std::size_t>(rows));
  if (weights == nullptr || bias == nullptr) return out_of_memory(node);
  const std::int8_t* w = sums.weight->values<std::int8_t>().data();
  std::copy_n(w, rows * depth, weights);
  for (std::int64_t row = 0; row < rows; ++row, w += depth) {
    const std::int64_t own = sums.bias == nullptr ? 0 : sums.bias[row];
    std::int64_t low = own, high = own, base = own;
    for (std::int64_t i = 0; i < depth; ++i) {
      const std::int64_t at_lowest = -std::int64_t{sums.zero_point} * w[i];
      const std::int64_t at_highest = (255 - std::int64_t{sums.zero_point}) * w[i];
      low += std::min(at_lowest, at_highest);
      high += std::max(at_lowest, at_highest);
      base += at_lowest;
    }
    const std::int64_t largest = std::max(-low, high) << std::max<std::int32_t>(sums.shift[row / units], 0);
    if (largest >= std::int64_t{1} << 31) {
      return node_error(Code::kQuantization, node, "accumulator of row %lld may reach %lld, 2^31 is too much",
                        static_cast<long long>(row), static_cast<long long>(largest));
    }
    bias[row] = static_cast<std::int32_t>(base);
  }
  return Product{weights, bias, depth};
}

Status check_multipliers(const Node& node, const Tensor& multiplier, const Tensor& shift) {
  INTAGLIO_TRY(check_constant(node, multiplier, "multiplier", DType::kInt32, {kMultipliers}));
  INTAGLIO_TRY(check_constant(node, shift, "shift", DType::kInt32, {kMultipliers}));
  for (std::size_t i = 0; i < kMultipliers; ++i) {
    const std::int32_t s = shift.values<std::int32_t>()[i], highest = i == 2 * kGates ? 0 : 30;
    if (multiplier.values<std::int32_t>()[i] < 0 || s < -31 || s > highest) {
      return node_error(Code::kQuantization, node, "multiplier or shift %zu is outside its range", i);
    }
  }
  return {};
}

}  // namespace

Status prepare_lstm(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 6, 1, 2));
  const Model& model = planner.model();
  const Tensor &x = model.input(node, 0), &input = model.input(node, 1), &recurrent = model.input(node, 2);
  const Tensor &bias = model.input(node, 3), &multiplier = model.input(node, 4), &shift = model.input(node, 5);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_activation(node, x, "input"));
  INTAGLIO_TRY(check_activation(node, y, "output"));
  INTAGLIO_TRY(check_rank(node, x, "input", 3));
  INTAGLIO_TRY(check_rank(node, y, "output", 3));
  const std::int64_t depth = x.dims[2], units = y.dims[2];
  INTAGLIO_TRY(check_dims(node, y, "output", {x.dims[0], x.dims[1], units}));
  INTAGLIO_TRY(check_between(node, "inputs", depth, 1, kMostTerms - 1));
  INTAGLIO_TRY(check_between(node, "units", units, 1, kMostTerms - 1));
  INTAGLIO_TRY(check_constant(node, input, "input weight", DType::kInt8, {kGates, units, depth}));
  INTAGLIO_TRY(check_constant(node, recurrent, "recurrent weight", DType::kInt8, {kGates, units, units}));
  INTAGLIO_TRY(check_constant(node, bias, "bias", DType::kInt32, {kGates, units}));
  INTAGLIO_TRY(check_multipliers(node, multiplier, shift));
  INTAGLIO_TRY(check_between(node, "cell_bits", node.attrs[0], 0, 6));
  INTAGLIO_TRY(check_between(node, "cell_clip", node.attrs[1], 0, 32767));

  auto* a = planner.make<Arguments>();
  auto* initial = planner.make<std::uint8_t>(static_cast<std::size_t>(units));
  if (a == nullptr || initial == nullptr) return out_of_memory(node);
  std::copy_n(multiplier.values<std::int32_t>().data(), kMultipliers, a->multiplier);
  std::copy_n(shift.values<std::int32_t>().data(), kMultipliers, a->shift);
  a->zero_point = y.zero_point + kStorageOffset;
  const Sums of_input = {&input, bias.values<std::int32_t>().data(), x.zero_point + kStorageOffset, a->shift};
  const Sums of_output = {&recurrent, nullptr, a->zero_point, a->shift + kGates};
  auto first = make_product(node, planner, of_input, units);
  if (!first.ok()) return first.status();
  auto second = make_product(node, planner, of_output, units);
  if (!second.ok()) return second.status();
  if (y.elements == 0) return {};
  std::fill_n(initial, units, static_cast<std::uint8_t>(a->zero_point));
  a->input = first.value();
  a->recurrent = second.value();
  a->initial = initial;
  a->x = planner.tensor(node.inputs[0]);
  a->y = planner.tensor(node.outputs[0]);
  a->batch = x.dims[0];
  a->steps = x.dims[1];
  a->units = units;
  const auto cells = static_cast<std::size_t>(a->batch * units);
  a->sums = planner.scratch(2 * kGates * cells * sizeof(std::int32_t));
  a->cell = planner.scratch(cells * sizeof(std::int32_t));
  a->cell_bits = static_cast<int>(node.attrs[0]);
  a->clip = static_cast<std::int32_t>(node.attrs[1]);
  a->dots = planner.kernels().float_vector->dots.run;
  const std::int64_t macs = a->batch * a->steps * kGates * units * (depth + units);
  const int parts = planner.parts_for(macs);
  return planner.emit({.run = run,
                       .arguments = a,
                       .parts = static_cast<int>(std::min<std::int64_t>(parts, a->batch)),
                       .kernel = planner.kernels().float_vector->dots.name,
                       .reason = "step by step, sequences side by side",
                       .macs = macs});
}

}  // namespace intaglio
