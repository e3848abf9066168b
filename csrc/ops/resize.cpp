#include <algorithm>
#include <cstring>

#include "kernels/vector.h"
#include "ops/checks.h"
#include "ops/requantization.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

// Weights are in units of 1 / unit along each axis.
constexpr std::int32_t kUnit = 2048, kFixedUnit = 1024;
// Cost of one output position, and of each byte of it, in multiply-accumulates.
constexpr std::int64_t kPositionCost = 512, kByteCost = 16;

struct Arguments {
  Slot x, y;
  std::int64_t batch, x_rows, x_columns, y_rows, y_columns;
  std::int64_t channels;    // bytes of a position
  const std::int32_t* row;  // nearest: the source of each; bilinear: (low, high, weight) of each
  const std::int32_t* column;
  std::int32_t unit;  // bilinear only
  BilinearFunction bilinear;
};

// Parts are ranges of output rows over the whole batch. resize_row(image, i, y) makes output row i of an image.
template <class ResizeRow>
void for_each_row(const Arguments& args, const Memory& memory, int part, int parts, const ResizeRow& resize_row) {
  const Range range = split(args.batch * args.y_rows, part, parts);
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    const std::uint8_t* image =
        memory.at<std::uint8_t>(args.x) + row / args.y_rows * args.x_rows * args.x_columns * args.channels;
    resize_row(image, row % args.y_rows, memory.at<std::uint8_t>(args.y) + row * args.y_columns * args.channels);
  }
}

void run_nearest(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const std::int64_t channels = args.channels;
  for_each_row(args, memory, part, parts, [&](const std::uint8_t* image, std::int64_t i, std::uint8_t* y) {
    const std::uint8_t* from = image + args.row[i] * args.x_columns * channels;
    for (std::int64_t j = 0; j < args.y_columns; ++j) {
      std::memcpy(y + j * channels, from + args.column[j] * channels, static_cast<std::size_t>(channels));
    }
  });
}

void run_bilinear(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const std::int64_t channels = args.channels, row_bytes = args.x_columns * channels;
  const std::int32_t unit = args.unit;
  for_each_row(args, memory, part, parts, [&](const std::uint8_t* image, std::int64_t i, std::uint8_t* y) {
    const std::int32_t* row = args.row + 3 * i;
    const std::uint8_t* low = image + row[0] * row_bytes;
    const std::uint8_t* high = image + row[1] * row_bytes;
    for (std::int64_t j = 0; j < args.y_columns; ++j) {
      const std::int32_t* column = args.column + 3 * j;
      const std::int64_t left = column[0] * channels, right = column[1] * channels;
      const Corners corners{{low + left, low + right, high + left, high + right},
                            {(unit - row[2]) * (unit - column[2]), (unit - row[2]) * column[2],
                             row[2] * (unit - column[2]), row[2] * column[2]}};
      args.bilinear(corners, y + j * channels, static_cast<std::size_t>(channels));
    }
  });
}

// Positions lie inside the input and weights in [0, unit]. `entry` is 1 (position) or 3 (low, high, weight).
Status check_table(const Node& node, const Tensor& table, const char* role, std::int64_t outputs, std::int64_t size,
                   std::size_t entry, std::int32_t unit) {
  INTAGLIO_TRY(entry == 1 ? check_constant(node, table, role, DType::kInt32, {outputs})
                          : check_constant(node, table, role, DType::kInt32, {outputs, 3}));
  const auto values = table.values<std::int32_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool weight = i % entry == 2;
    INTAGLIO_TRY(check_between(node, role, values[i], 0, weight ? unit : size - 1));
  }
  return {};
}

const std::int32_t* copy_table(const Tensor& table, Planner& planner) {
  const auto values = table.values<std::int32_t>();
  auto* const copy = planner.make<std::int32_t>(values.size());
  if (copy != nullptr) std::copy(values.begin(), values.end(), copy);
  return copy;
}

// Of one kind: `entry` as for check_table, the function that runs, and what bilinear resizing takes beside it.
struct Kind {
  std::size_t entry;
  StepFunction run;
  Named<BilinearFunction> kernel;
  std::int32_t unit;
};

Status prepare(const Node& node, Planner& planner, const Kind& kind) {
  const std::size_t entry = kind.entry;
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& row = model.input(node, 1);
  const Tensor& column = model.input(node, 2);
  const Tensor& y = model.output(node);
  if (entry != 1) INTAGLIO_TRY(check_activation(node, x, "input"));
  INTAGLIO_TRY(check_like(node, y, "output", x));
  INTAGLIO_TRY(check_rank(node, x, "input", 4));
  INTAGLIO_TRY(check_rank(node, y, "output", 4));
  const std::int64_t dims[] = {x.dims[0], y.dims[1], y.dims[2], x.dims[3]};
  INTAGLIO_TRY(check_dims(node, y, "output", dims));
  INTAGLIO_TRY(check_table(node, row, "row", y.dims[1], x.dims[1], entry, kind.unit));
  INTAGLIO_TRY(check_table(node, column, "column", y.dims[2], x.dims[2], entry, kind.unit));
  if (y.elements == 0) return {};

  auto* args = planner.make<Arguments>();
  const std::int32_t* const row_table = copy_table(row, planner);
  const std::int32_t* const column_table = copy_table(column, planner);
  if (args == nullptr || row_table == nullptr || column_table == nullptr) return out_of_memory(node);
  *args = {.x = planner.tensor(node.inputs[0]),
           .y = planner.tensor(node.outputs[0]),
           .batch = x.dims[0],
           .x_rows = x.dims[1],
           .x_columns = x.dims[2],
           .y_rows = y.dims[1],
           .y_columns = y.dims[2],
           .channels = x.dims[3] * static_cast<std::int64_t>(size_of(x.dtype)),
           .row = row_table,
           .column = column_table,
           .unit = kind.unit,
           .bilinear = kind.kernel.run};
  const auto bytes = static_cast<std::int64_t>(y.bytes);
  const std::int64_t cost = bytes / args->channels * kPositionCost + bytes * kByteCost;
  const std::int64_t rows = args->batch * args->y_rows;
  return planner.emit({.run = kind.run,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(cost), rows)),
                       .kernel = kind.kernel.name});
}

}  // namespace

Status prepare_resize_nearest(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 3, 1, 0));
  return prepare(node, planner, {1, run_nearest, {"resize_nearest_u8", nullptr}, 0});
}
Status prepare_resize_bilinear(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 3, 1, 1));
  INTAGLIO_TRY(check_between(node, "requant", node.attrs[0], 0, 1));
  const VectorKernels& kernels = *planner.kernels().vector;
  if (static_cast<RequantizationMode>(node.attrs[0]) == RequantizationMode::kFixed) {
    return prepare(node, planner, {3, run_bilinear, kernels.bilinear_fixed, kFixedUnit});
  }
  return prepare(node, planner, {3, run_bilinear, kernels.bilinear, kUnit});
}

}  // namespace intaglio
