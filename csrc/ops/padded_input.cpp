#include "ops/padded_input.h"

#include <algorithm>
#include <cstring>

namespace intaglio {

namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 40;

struct CopyArguments {
  Slot input, output;
  std::int64_t images, height, width, position_bytes;
  InputRegion region;
  int fill;
};

void run_copy(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const CopyArguments*>(arguments);
  const std::int64_t left = std::clamp<std::int64_t>(-a.region.first_column, 0, a.region.columns);
  const std::int64_t last = std::clamp<std::int64_t>(a.width - a.region.first_column, left, a.region.columns);
  const auto bytes = [&](std::int64_t columns) { return static_cast<std::size_t>(columns * a.position_bytes); };
  const Range lines = split(a.images * a.region.rows, part, parts);
  std::uint8_t* to = memory.at<std::uint8_t>(a.output) + lines.begin * a.region.columns * a.position_bytes;
  for (std::int64_t line = lines.begin; line < lines.end; ++line) {
    const std::int64_t row = a.region.first_row + line % a.region.rows;
    if (row < 0 || row >= a.height) {
      std::memset(to, a.fill, bytes(a.region.columns));
      to += bytes(a.region.columns);
      continue;
    }
    const std::int64_t position = (line / a.region.rows * a.height + row) * a.width + a.region.first_column + left;
    std::memset(to, a.fill, bytes(left));
    to += bytes(left);
    if (last > left)
      std::memcpy(to, memory.at<const std::uint8_t>(a.input) + position * a.position_bytes, bytes(last - left));
    to += bytes(last - left);
    std::memset(to, a.fill, bytes(a.region.columns - last));
    to += bytes(a.region.columns - last);
  }
}

}  // namespace

Result<InputView> view_input(const Node& node, Planner& planner, const InputRegion& region) {
  const Tensor& x = planner.model().input(node, 0);
  const std::int64_t height = x.dims[1], width = x.dims[2];
  const std::int64_t position_bytes = x.dims[3] * static_cast<std::int64_t>(size_of(x.dtype));
  const Slot input = planner.tensor(node.inputs[0]);
  if (region.first_row >= 0 && region.first_row + region.rows <= height && region.first_column >= 0 &&
      region.first_column + region.columns <= width) {
    return InputView{input, (region.first_row * width + region.first_column) * position_bytes, width * position_bytes,
                     height * width * position_bytes};
  }

  std::int64_t bytes;
  if (__builtin_mul_overflow(x.dims[0], region.rows, &bytes) || __builtin_mul_overflow(bytes, region.columns, &bytes) ||
      __builtin_mul_overflow(bytes, position_bytes, &bytes) || bytes > kMaxBytes) {
    return node_error(Code::kShape, node, "the padded input is larger than %lld bytes",
                      static_cast<long long>(kMaxBytes));
  }
  auto* arguments = planner.make<CopyArguments>();
  if (arguments == nullptr) return out_of_memory(node);
  const Slot padded = planner.scratch(static_cast<std::uint64_t>(bytes));
  const int fill = x.dtype == DType::kInt8 ? x.zero_point + kStorageOffset : 0;
  *arguments = {input, padded, x.dims[0], height, width, position_bytes, region, fill};
  Step step;
  step.run = &run_copy;
  step.arguments = arguments;
  step.parts = planner.parts_for(bytes);
  step.kernel = "pad_input";
  step.reason = "windows reach beyond the input";
  INTAGLIO_TRY(planner.emit(step));
  return InputView{padded, 0, region.columns * position_bytes, region.rows * region.columns * position_bytes};
}

}  // namespace intaglio
