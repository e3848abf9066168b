#include <algorithm>
#include <cstring>

#include "ops/checks.h"
#include "ops/nd_loop.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

// Cost of one slice, and of each byte of it, in multiply-accumulates.
constexpr std::int64_t kSliceCost = 64, kByteCost = 4;

struct Arguments {
  Slot x, indices, y;
  Slot positions;  // int64: of slices, counted from the front; where an index is outside, some slice
  Slot verdict;
  std::int64_t outer, size, slice_bytes;  // x is [outer, size, slice]
  std::int64_t count;                     // of positions
  std::int64_t depth;                     // indices per position
  std::int64_t sizes[kMaxRank];           // of the axes they are along, whose product is `size`
};

template <class Index>
void run_check(const void* arguments, const Memory& memory, int, int) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const auto* indices = memory.at<const Index>(a.indices);
  auto* positions = memory.at<std::int64_t>(a.positions);
  Verdict verdict = {true, 0, -a.sizes[0], a.sizes[0] - 1};
  for (std::int64_t i = 0; i < a.count; ++i) {
    std::int64_t position = 0;
    for (std::int64_t axis = 0; axis < a.depth; ++axis) {
      const std::int64_t index = *indices++, size = a.sizes[axis];
      const bool inside = -size <= index && index < size;
      if (!inside && verdict.inside) verdict = {false, index, -size, size - 1};
      position = position * size + (!inside ? 0 : index < 0 ? index + size : index);
    }
    positions[i] = position;
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

// Constant indices, of which every `depth`-th is along the same axis, lie inside it.
template <class Index>
Status check_constant_indices(const Node& node, const Tensor& indices, std::span<const std::int64_t> sizes) {
  const auto values = indices.values<Index>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t size = sizes[i % sizes.size()];
    INTAGLIO_TRY(check_between(node, "index", values[i], -size, size - 1));
  }
  return {};
}

Status check_indices(const Node& node, const Tensor& indices, std::span<const std::int64_t> sizes) {
  const bool wide = indices.dtype == DType::kInt64;
  if (!wide && indices.dtype != DType::kInt32) {
    return node_error(Code::kDType, node, "indices: expected int32 or int64");
  }
  if (!indices.constant()) return {};
  return wide ? check_constant_indices<std::int64_t>(node, indices, sizes)
              : check_constant_indices<std::int32_t>(node, indices, sizes);
}

// The output takes slices of x, which is [before, sizes, slice], in the order of the indices.
Status emit(const Node& node, Planner& planner, std::span<const std::int64_t> before,
            std::span<const std::int64_t> sizes) {
  const Model& model = planner.model();
  const Tensor &x = model.input(node, 0), &indices = model.input(node, 1), &y = model.output(node);
  if (indices.elements == 0) return {};
  auto* a = planner.make<Arguments>();
  if (a == nullptr) return out_of_memory(node);
  a->outer = 1;
  for (const std::int64_t dim : before) a->outer *= dim;
  a->size = 1;
  for (const std::int64_t dim : sizes) {
    a->sizes[a->depth++] = dim;
    a->size *= dim;
  }
  a->slice_bytes = static_cast<std::int64_t>(size_of(x.dtype));
  for (const std::int64_t dim : x.dims.subspan(before.size() + sizes.size())) a->slice_bytes *= dim;
  a->count = indices.elements / a->depth;
  a->x = planner.tensor(node.inputs[0]);
  a->indices = planner.tensor(node.inputs[1]);
  a->y = planner.tensor(node.outputs[0]);
  a->positions = planner.scratch(static_cast<std::size_t>(a->count) * sizeof(std::int64_t));
  a->verdict = planner.verdict();
  INTAGLIO_TRY(planner.emit({.run = indices.dtype == DType::kInt64 ? run_check<std::int64_t> : run_check<std::int32_t>,
                             .arguments = a,
                             .kernel = "check_indices",
                             .reason = "indices are numbers like others"}));
  if (y.elements == 0 || x.elements == 0) return {};  // no index lies inside an empty axis
  const std::int64_t slices = a->outer * a->count;
  const int parts = planner.parts_for(slices * kSliceCost + static_cast<std::int64_t>(y.bytes) * kByteCost);
  return planner.emit({.run = run,
                       .arguments = a,
                       .parts = static_cast<int>(std::min<std::int64_t>(parts, slices)),
                       .kernel = "gather"});
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
  const auto before = x.dims.first(axis), after = x.dims.subspan(axis + 1);
  const auto kept = y.dims.size() == x.dims.size() - 1 + indices.dims.size();
  if (!kept || !std::equal(before.begin(), before.end(), y.dims.begin()) ||
      !std::equal(indices.dims.begin(), indices.dims.end(), y.dims.begin() + before.size()) ||
      !std::equal(after.begin(), after.end(), y.dims.end() - after.size())) {
    return node_error(Code::kShape, node, "shape of the output: expected the input's with the indices' for axis %zu",
                      axis);
  }
  INTAGLIO_TRY(check_indices(node, indices, x.dims.subspan(axis, 1)));
  return emit(node, planner, before, x.dims.subspan(axis, 1));
}

Status prepare_gather_nd(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 2, 1, 0));
  const Model& model = planner.model();
  const Tensor& x = model.input(node, 0);
  const Tensor& indices = model.input(node, 1);
  const Tensor& y = model.output(node);
  INTAGLIO_TRY(check_like(node, y, "output", x));
  const std::int64_t given = indices.dims.empty() ? 0 : indices.dims.back();
  INTAGLIO_TRY(check_between(node, "indices per position", given, 1, static_cast<std::int64_t>(x.dims.size())));
  const auto depth = static_cast<std::size_t>(given);
  const auto places = indices.dims.first(indices.dims.size() - 1), after = x.dims.subspan(depth);
  if (y.dims.size() != places.size() + after.size() || !std::equal(places.begin(), places.end(), y.dims.begin()) ||
      !std::equal(after.begin(), after.end(), y.dims.end() - after.size())) {
    return node_error(Code::kShape, node, "shape of the output: expected that of the indices, then axes %zu on of x",
                      depth);
  }
  INTAGLIO_TRY(check_indices(node, indices, x.dims.first(depth)));
  return emit(node, planner, x.dims.first(0), x.dims.first(depth));
}

}  // namespace intaglio
