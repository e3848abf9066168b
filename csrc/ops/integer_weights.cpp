#include "ops/integer_weights.h"

#include <algorithm>

#include "ops/checks.h"
#include "ops/float_checks.h"

namespace intaglio {

namespace {

struct PackArguments {
  IntegerWeightLayout layout;
  Slot weights;
  IntegerWeights packed;
};

// `flip` is 0x80 for weights in storage form.
void pack_matrix(const IntegerWeightLayout& layout, const std::int8_t* weights, std::uint8_t flip, std::int8_t* values,
                 std::int32_t* tap_sums) {
  for (std::int64_t column = 0; column < layout.columns; ++column) {
    const std::int8_t* from = weights + column * layout.column_stride;
    for (std::int64_t tap = 0; tap < layout.taps; ++tap) {
      std::int32_t sum = 0;
      for (std::int64_t k = 0; k < layout.depth; ++k, from += layout.depth_stride) {
        *values = static_cast<std::int8_t>(static_cast<std::uint8_t>(*from) ^ flip);
        sum += *values++;
      }
      tap_sums[tap * layout.columns + column] = sum;
    }
  }
}

void pack_all(const PackArguments& a, const std::int8_t* weights, std::uint8_t flip, std::int8_t* values,
              std::int32_t* tap_sums, Range matrices) {
  const std::int64_t size = a.layout.columns * a.layout.column_size();
  for (std::int64_t matrix = matrices.begin; matrix < matrices.end; ++matrix) {
    pack_matrix(a.layout, weights + matrix * size, flip, values + matrix * size,
                tap_sums + matrix * a.layout.taps * a.layout.columns);
  }
}

void run_pack(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const PackArguments*>(arguments);
  pack_all(a, memory.at<const std::int8_t>(a.weights), 0x80, memory.at<std::int8_t>(a.packed.values),
           memory.at<std::int32_t>(a.packed.tap_sums), split(a.layout.matrices, part, parts));
}

}  // namespace

const std::int8_t* IntegerWeights::values_in(const Memory& memory) const {
  return constant_values != nullptr ? constant_values : memory.at<const std::int8_t>(values);
}

const std::int32_t* IntegerWeights::tap_sums_in(const Memory& memory) const {
  return constant_tap_sums != nullptr ? constant_tap_sums : memory.at<const std::int32_t>(tap_sums);
}

Result<IntegerWeights> pack_integer_weights(const Node& node, Planner& planner, const IntegerWeightLayout& layout) {
  const Tensor& weights = planner.model().input(node, 2);
  auto* a = planner.make<PackArguments>();
  if (a == nullptr) return out_of_memory(node);
  a->layout = layout;
  const auto sums = static_cast<std::size_t>(layout.matrices * layout.taps * layout.columns);
  const auto size = static_cast<std::size_t>(std::max<std::int64_t>(weights.elements, 1));
  if (weights.constant()) {
    auto* values = planner.make<std::int8_t>(size);
    auto* tap_sums = planner.make<std::int32_t>(sums);
    if (values == nullptr || tap_sums == nullptr) return out_of_memory(node);
    pack_all(*a, weights.values<std::int8_t>().data(), 0, values, tap_sums, {0, layout.matrices});
    a->packed.constant_values = values;
    a->packed.constant_tap_sums = tap_sums;
    return a->packed;
  }
  a->weights = planner.tensor(node.inputs[2]);
  a->packed.values = planner.scratch(size);
  a->packed.tap_sums = planner.scratch(sums * sizeof(std::int32_t));
  const int parts = planner.parts_for(weights.elements);
  INTAGLIO_TRY(planner.emit({.run = run_pack,
                             .arguments = a,
                             .parts = static_cast<int>(std::min<std::int64_t>(parts, layout.matrices)),
                             .kernel = "pack_integer_weights",
                             .reason = "weights are not known before running"}));
  return a->packed;
}

void apply_zero_points(const ZeroPoints& zero_points, const Memory& memory, std::int64_t column, std::int64_t products,
                       std::uint32_t inputs_sum, const std::int32_t* weight_sums, std::int32_t* sums,
                       std::int64_t columns) {
  const auto zero_x = static_cast<std::uint32_t>(*memory.at<const std::int32_t>(zero_points.x)) + kStorageOffset;
  const std::int32_t* zero_w = memory.at<const std::int32_t>(zero_points.weight) + column * zero_points.weight_step;
  const std::uint32_t inputs = inputs_sum - static_cast<std::uint32_t>(products) * zero_x;
  for (std::int64_t c = 0; c < columns; ++c, zero_w += zero_points.weight_step) {
    const std::uint32_t sum = static_cast<std::uint32_t>(sums[c]) - zero_x * static_cast<std::uint32_t>(weight_sums[c]);
    sums[c] = static_cast<std::int32_t>(sum - static_cast<std::uint32_t>(*zero_w) * inputs);
  }
}

Status check_integer_sum(const Node& node, const Model& model, std::int64_t products, std::int64_t columns,
                         std::size_t single_rank) {
  INTAGLIO_TRY(check_dtype(node, model.input(node, 0), "input 0", DType::kInt8));
  INTAGLIO_TRY(check_dtype(node, model.input(node, 2), "input 2", DType::kInt8));
  const Tensor &zero_x = model.input(node, 1), &zero_w = model.input(node, 3);
  INTAGLIO_TRY(check_dtype(node, zero_x, "first zero point", DType::kInt32));
  INTAGLIO_TRY(check_dtype(node, zero_w, "second zero point", DType::kInt32));
  INTAGLIO_TRY(check_dtype(node, model.output(node), "output", DType::kInt32));
  INTAGLIO_TRY(check_rank(node, zero_x, "first zero point", 0));
  if (zero_w.dims.size() != single_rank || zero_w.elements != 1) {
    INTAGLIO_TRY(check_dims(node, zero_w, "second zero point", {columns}));
  }
  return check_between(node, "products in a sum", products, 0, ((std::int64_t{1} << 31) - 1) / (255 * 255));
}

}  // namespace intaglio
