#include "ops/padded_input.h"

#include "base/checked.h"

namespace intaglio {

namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 40;
constexpr std::int64_t kByteCost = 8;  // copying a byte, in multiply-accumulates

struct CopyArguments {
  Slot input, output;
  PaddedLines lines;
};

void run_copy(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const CopyArguments*>(arguments);
  a.lines.copy(memory.at<const std::uint8_t>(a.input), split(a.lines.count(), part, parts),
               memory.at<std::uint8_t>(a.output));
}

}  // namespace

Result<PaddedLines> read_lines(const Node& node, const Model& model, const InputRegion& region) {
  const Tensor& x = model.input(node, 0);
  const PaddedLines lines = {.images = x.dims[0],
                             .height = x.dims[1],
                             .width = x.dims[2],
                             .position_bytes = x.dims[3] * static_cast<std::int64_t>(size_of(x.dtype)),
                             .region = region,
                             .fill = x.dtype == DType::kInt8 ? x.zero_point + kStorageOffset : 0};
  std::int64_t bytes;
  if (!checked_mul(lines.images, region.rows, bytes) || !checked_mul(bytes, region.columns, bytes) ||
      !checked_mul(bytes, lines.position_bytes, bytes) || bytes > kMaxBytes) {
    return node_error(Code::kShape, node, "the padded input is larger than %lld bytes",
                      static_cast<long long>(kMaxBytes));
  }
  return lines;
}

Result<InputView> view_input(const Node& node, Planner& planner, const InputRegion& region) {
  auto read = read_lines(node, planner.model(), region);
  if (!read.ok()) return read.status();
  const PaddedLines& lines = read.value();
  const Slot input = planner.tensor(node.inputs[0]);
  if (lines.inside()) {
    const std::int64_t row_bytes = lines.width * lines.position_bytes;
    return InputView{input, lines.tensor_offset(), row_bytes, lines.height * row_bytes};
  }
  auto* arguments = planner.make<CopyArguments>();
  if (arguments == nullptr) return out_of_memory(node);
  const std::int64_t bytes = lines.count() * lines.line_bytes();
  const Slot padded = planner.scratch(static_cast<std::uint64_t>(bytes));
  *arguments = {input, padded, lines};
  Step step;
  step.run = &run_copy;
  step.arguments = arguments;
  step.parts = planner.parts_for(bytes * kByteCost);
  step.kernel = "pad_input";
  step.reason = "windows reach beyond the input";
  INTAGLIO_TRY(planner.emit(step));
  return InputView{padded, 0, lines.line_bytes(), region.rows * lines.line_bytes()};
}

}  // namespace intaglio
