#include <algorithm>
#include <cstring>

#include "ops/checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

// Cost of one slice, and of each byte of it, in multiply-accumulates.
constexpr std::int64_t kSliceCost = 64, kByteCost = 4;

struct Arguments {
  Slot x, indices, y;
  Slot positions;  // int64: the indices counted from the front, those outside 0
  Slot verdict;
  std::int64_t outer, size, slice_bytes;  // x is [outer, size, slice]
  std::int64_t count;                     // of indices
};

template <class Index>
void run_check(const void* arguments, const Memory& memory, int, int) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const auto* indices = memory.at<const Index>(a.indices);
  auto* positions = memory.at<std::int64_t>(a.positions);
  Verdict verdict = {true, 0, -a.size, a.size - 1};
  for (std::int64_t i = 0; i < a.count; ++i) {
    const std::int64_t index = indices[i];
    const bool inside = -a.size <= index && index < a.size;
    if (!inside && verdict.inside) {
      verdict.inside = false;
      verdict.value = index;
    }
    positions[i] = !inside ? 0 : index < 0 ? index + a.size : index;
  }
  *memory.at<Verdict>(a.verdict) = verdict;
}

// Parts are ranges of slices of the output.
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const auto* positions = memory.at<const std::int64_t>(a.positions);
  const Range range = split(a.outer * a.count, part, parts);
  std::byte* y = memory.at<std::byte>(a.y) + range.begin * a.slice_bytes;
  for (std::int64_t i = range.begin; i < range.end; ++i, y += a.slice_bytes) {
    const std::int64_t slice = i / a.count * a.size + positions[i % a.count];
    std::memcpy(y, memory.at<const std::byte>(a.x) + slice * a.slice_bytes, static_cast<std::size_t>(a.slice_bytes));
  }
}

template <class Index>
Status check_constant_indices(const Node& node, const Tensor& indices, std::int64_t size) {
  for (const Index index : indices.values<Index>()) {
    INTAGLIO_TRY(check_between(node, "index", index, -size, size - 1));
  }
  return {};
}

}  // namespace

Status prepare_gather(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 1));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& indices = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_like(node, y, "output", x));
  const auto rank = static_cast<std::int64_t>(x.dims.size());
  INTAGLIO_TRY(check_between(node, "axis", node.attrs[0], 0, rank - 1));
  const auto axis = static_cast<std::size_t>(node.attrs[0]);
  const bool wide = indices.dtype == DType::kInt64;
  if (!wide && indices.dtype != DType::kInt32) {
    return node_error(Code::kDType, node, "indices: expected int32 or int64");
  }
  const auto before = x.dims.first(axis), after = x.dims.subspan(axis + 1);
  const auto kept = y.dims.size() == x.dims.size() - 1 + indices.dims.size();
  if (!kept || !std::equal(before.begin(), before.end(), y.dims.begin()) ||
      !std::equal(indices.dims.begin(), indices.dims.end(), y.dims.begin() + before.size()) ||
      !std::equal(after.begin(), after.end(), y.dims.end() - after.size())) {
    return node_error(Code::kShape, node, "shape of the output: expected the input's with the indices' for axis %zu",
                      axis);
  }
  if (indices.constant()) {
    INTAGLIO_TRY(wide ? check_constant_indices<std::int64_t>(node, indices, x.dims[axis])
                      : check_constant_indices<std::int32_t>(node, indices, x.dims[axis]));
  }
  if (indices.elements == 0) return {};

  auto* a = planner.make<Arguments>();
  if (a == nullptr) return out_of_memory(node);
  a->size = x.dims[axis];
  a->outer = 1;
  for (const std::int64_t dim : before) a->outer *= dim;
  a->slice_bytes = static_cast<std::int64_t>(size_of(x.dtype));
  for (const std::int64_t dim : after) a->slice_bytes *= dim;
  a->count = indices.elements;
  a->x = planner.tensor(node.inputs[0]);
  a->indices = planner.tensor(node.inputs[1]);
  a->y = planner.tensor(node.outputs[0]);
  a->positions = planner.scratch(static_cast<std::size_t>(a->count) * sizeof(std::int64_t));
  a->verdict = planner.verdict();
  INTAGLIO_TRY(planner.emit({.run = wide ? run_check<std::int64_t> : run_check<std::int32_t>,
                             .arguments = a,
                             .kernel = "check_indices",
                             .reason = "indices are numbers like others"}));
  if (y.elements == 0) return {};
  const std::int64_t slices = a->outer * a->count;
  const int parts = planner.parts_for(slices * kSliceCost + static_cast<std::int64_t>(y.bytes) * kByteCost);
  return planner.emit({.run = run,
                       .arguments = a,
                       .parts = static_cast<int>(std::min<std::int64_t>(parts, slices)),
                       .kernel = "gather"});
}

}  // namespace intaglio
