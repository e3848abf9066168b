// Proves that the tables of an `.intaglio` file describe a graph, in the order of docs/format.md, and builds the Model.
#include <algorithm>
#include <cfloat>
#include <cinttypes>

#include "base/checked.h"
#include "model/checksum.h"
#include "model/layout.h"
#include "model/malformed.h"
#include "model/model.h"
#include "model/peak.h"
#include "model/sections.h"

namespace intaglio {
namespace {

using layout::Extent;

Status no_memory() { return Status::error(Code::kOutOfMemory, "no memory for the model's tables"); }

bool known_dtype(std::uint32_t dtype) { return dtype >= 1 && dtype <= 5; }

bool known_op(std::uint32_t code) {
  switch (code) {
#define OP(number, name, family) case number:
#include "ops/ops.inc"
#undef OP
    return true;
    default:
      return false;
  }
}

class Reader {
 public:
  Reader(const Sections& sections, Constants constants, Allocator& allocator)
      : sections_(sections), header_(sections.header), constants_(constants), allocator_(allocator) {}

  Result<Model> read() {
    INTAGLIO_TRY(allocate());
    INTAGLIO_TRY(read_tensors());
    INTAGLIO_TRY(read_ports());
    INTAGLIO_TRY(read_nodes());
    INTAGLIO_TRY(read_metadata());
    INTAGLIO_TRY(check_names());
    INTAGLIO_TRY(check_peak());
    return std::move(model_);
  }

 private:
  Status allocate();
  Status read_tensors();
  Status read_tensor(std::size_t index, const layout::Tensor& record);
  Status next_constant(std::size_t index, const layout::Tensor& record, Tensor& tensor);
  Status read_ports();
  Status read_port(const layout::Port& record, const char* kind, std::size_t index, Port& port);
  Status read_nodes();
  Status read_node(std::size_t index, const layout::Node& record);
  Status read_metadata();
  Status check_names();
  Status check_peak();

  // Strings and lists lie end to end in a fixed order: each must start where the last one ended.
  Status next_string(Extent extent, const char* what, std::size_t index, std::string_view& string);
  Status next_list(Extent extent, const char* what, std::size_t index, std::span<const std::int64_t>& list);
  Status check_ids(std::span<const std::int64_t> ids, const char* what, std::size_t node);

  const Sections& sections_;
  const layout::Header& header_;
  const Constants constants_;
  Allocator& allocator_;
  std::size_t integers_used_ = 0;
  std::size_t strings_used_ = 0;
  std::uint64_t data_used_ = 0;
  std::size_t constants_used_ = 0;
  Array<bool> ready_;  // tensors that hold a value before the node being read
  Model model_;
};

Status Reader::allocate() {
  model_.tensors = Array<Tensor>(allocator_, header_.tensor_count);
  model_.nodes = Array<Node>(allocator_, header_.node_count);
  model_.inputs = Array<Port>(allocator_, header_.input_count);
  model_.outputs = Array<Port>(allocator_, header_.output_count);
  ready_ = Array<bool>(allocator_, header_.tensor_count);
  if (model_.tensors.ok() && model_.nodes.ok() && model_.inputs.ok() && model_.outputs.ok() && ready_.ok()) return {};
  return no_memory();
}

Status Reader::next_string(Extent extent, const char* what, std::size_t index, std::string_view& string) {
  if (extent.first != strings_used_ || !inside(extent.first, extent.count, sections_.strings.size())) {
    return malformed("%s %zu: its text must start at byte %zu of the strings and end inside them, got byte %" PRIu32
                     ", %" PRIu32 " bytes",
                     what, index, strings_used_, extent.first, extent.count);
  }
  string = {sections_.strings.data() + extent.first, extent.count};
  strings_used_ += extent.count;
  if (!valid_utf8(string)) return malformed("%s %zu: its text is not UTF-8", what, index);
  return {};
}

Status Reader::next_list(Extent extent, const char* what, std::size_t index, std::span<const std::int64_t>& list) {
  if (extent.first != integers_used_ || !inside(extent.first, extent.count, sections_.integers.size())) {
    return malformed("%s %zu: its list must start at integer %zu and end inside the integers, got %" PRIu32 ", %" PRIu32
                     " integers",
                     what, index, integers_used_, extent.first, extent.count);
  }
  list = sections_.integers.subspan(extent.first, extent.count);
  integers_used_ += extent.count;
  return {};
}

Status Reader::read_tensors() {
  const auto records = sections_.tensors;
  for (std::size_t i = 0; i < header_.tensor_count; ++i) {
    INTAGLIO_TRY(read_tensor(i, layout::load<layout::Tensor>(records.data() + i * sizeof(layout::Tensor))));
  }
  if (data_used_ != header_.data.size) {
    return malformed("section 'data' has %llu bytes, its constants have %llu",
                     static_cast<unsigned long long>(header_.data.size), static_cast<unsigned long long>(data_used_));
  }
  if (constants_used_ != constants_.size()) {
    return malformed("%zu constants are used, %zu were given", constants_used_, constants_.size());
  }
  return {};
}

Status Reader::read_tensor(std::size_t index, const layout::Tensor& record) {
  Tensor& tensor = model_.tensors[index];
  INTAGLIO_TRY(next_string(record.name, "tensor", index, tensor.name));
  if (!known_dtype(record.dtype) || record.dtype == static_cast<std::uint8_t>(DType::kUint8)) {
    return malformed("tensor %zu: unknown element type %u", index, record.dtype);
  }
  tensor.dtype = static_cast<DType>(record.dtype);
  if (record.rank > layout::kMaxRank) {
    return malformed("tensor %zu: rank at most %zu, got %u", index, layout::kMaxRank, record.rank);
  }
  if (record.quantized > 1 || record.constant > 1 || (record.zero[0] | record.zero[1] | record.zero[2]) != 0) {
    return malformed("tensor %zu: flags must be 0 or 1 and the reserved bytes zero", index);
  }
  INTAGLIO_TRY(next_list({record.dims, record.rank}, "tensor", index, tensor.dims));
  for (const std::int64_t dim : tensor.dims) {
    if (dim < 0 || dim > static_cast<std::int64_t>(layout::kMaxDim)) {
      return malformed("tensor %zu: a dim is 0 to 2^31 - 1, got %lld", index, static_cast<long long>(dim));
    }
  }
  const std::size_t element = size_of(tensor.dtype);
  if (!checked_product(tensor.dims, static_cast<std::int64_t>(layout::kMaxTensorBytes / element), tensor.elements)) {
    return malformed("tensor %zu: more than 2^%d bytes", index, layout::kMaxTensorBits);
  }
  tensor.bytes = static_cast<std::size_t>(tensor.elements) * element;

  tensor.quantized = record.quantized != 0;
  tensor.zero_point = record.zero_point;
  tensor.scale = record.scale;
  if (tensor.quantized) {
    if (tensor.dtype != DType::kInt8) return malformed("tensor %zu: only int8 is quantized", index);
    if (!(record.scale >= FLT_MIN && record.scale <= FLT_MAX)) {
      return malformed("tensor %zu: a scale is a positive, finite, normal number, got %g", index,
                       static_cast<double>(record.scale));
    }
    if (record.zero_point < -128 || record.zero_point > 127) {
      return malformed("tensor %zu: a zero point is -128 to 127, got %" PRId32, index, record.zero_point);
    }
  } else if (record.zero_point != 0 || std::bit_cast<std::uint32_t>(record.scale) != 0) {
    return malformed("tensor %zu: scale and zero point of a tensor that is not quantized must be zero", index);
  }

  if (record.constant == 0) {
    if (record.data_offset != 0 || record.data_size != 0) {
      return malformed("tensor %zu: data of a tensor that is not constant", index);
    }
    return {};
  }
  ready_[index] = true;
  if (!constants_.empty() && tensor.bytes > 0) return next_constant(index, record, tensor);
  const std::uint64_t start = tensor.bytes == 0 ? 0 : align_up(data_used_);
  if (record.data_offset != start || record.data_size != tensor.bytes ||
      !inside(record.data_offset, record.data_size, header_.data.size)) {
    return malformed(
        "tensor %zu: its data must be %zu bytes from byte %llu, inside the data section, got %llu from %llu", index,
        tensor.bytes, static_cast<unsigned long long>(start), static_cast<unsigned long long>(record.data_size),
        static_cast<unsigned long long>(record.data_offset));
  }
  const auto data = sections_.data;
  tensor.data = data.data() + start;
  if (tensor.bytes == 0) return {};
  if (!all_zero(data.subspan(data_used_, start - data_used_))) {
    return malformed("tensor %zu: the bytes before its data are not zero", index);
  }
  data_used_ = start + tensor.bytes;
  return {};
}

Status Reader::next_constant(std::size_t index, const layout::Tensor& record, Tensor& tensor) {
  const std::size_t given = constants_used_ < constants_.size() ? constants_[constants_used_].size() : 0;
  if (record.data_offset != 0 || record.data_size != tensor.bytes || given != tensor.bytes) {
    return malformed("tensor %zu: its data must be %zu bytes from byte 0, got %llu from %llu, and %zu were given",
                     index, tensor.bytes, static_cast<unsigned long long>(record.data_size),
                     static_cast<unsigned long long>(record.data_offset), given);
  }
  tensor.data = constants_[constants_used_++].data();
  if (reinterpret_cast<std::uintptr_t>(tensor.data) % size_of(tensor.dtype) != 0) {
    return Status::error(Code::kInvalidArgument, "tensor %zu: its data must be aligned to its elements", index);
  }
  return {};
}

Status Reader::read_ports() {
  const auto records = sections_.ports;
  const auto record = [&](std::size_t i) {
    return layout::load<layout::Port>(records.data() + i * sizeof(layout::Port));
  };
  for (std::size_t i = 0; i < header_.input_count; ++i) {
    Port& port = model_.inputs[i];
    INTAGLIO_TRY(read_port(record(i), "input", i, port));
    if (ready_[port.tensor]) return malformed("input %zu: its tensor is a constant or another input", i);
    ready_[port.tensor] = true;
  }
  Array<bool> given(allocator_, header_.tensor_count);
  if (!given.ok()) return no_memory();
  for (std::size_t i = 0; i < header_.output_count; ++i) {
    Port& port = model_.outputs[i];
    INTAGLIO_TRY(read_port(record(header_.input_count + i), "output", i, port));
    if (given[port.tensor]) return malformed("output %zu: its tensor is another output", i);
    given[port.tensor] = true;
  }
  return {};
}

Status Reader::read_port(const layout::Port& record, const char* kind, std::size_t index, Port& port) {
  if (record.tensor >= header_.tensor_count) {
    return malformed("%s %zu: tensor %" PRIu32 " of %" PRIu32, kind, index, record.tensor, header_.tensor_count);
  }
  const Tensor& tensor = model_.tensors[record.tensor];
  const DType dtype = tensor.dtype;
  const bool shifted = tensor.quantized && record.dtype == static_cast<std::uint32_t>(DType::kUint8);
  if ((record.dtype != static_cast<std::uint32_t>(dtype) && !shifted) || record.zero != 0) {
    return malformed("%s %zu: element type %" PRIu32 " at a tensor of element type %u", kind, index, record.dtype,
                     static_cast<unsigned>(dtype));
  }
  port = {record.tensor, static_cast<DType>(record.dtype)};
  return {};
}

Status Reader::read_nodes() {
  const auto records = sections_.nodes;
  for (std::size_t i = 0; i < header_.node_count; ++i) {
    INTAGLIO_TRY(read_node(i, layout::load<layout::Node>(records.data() + i * sizeof(layout::Node))));
  }
  if (integers_used_ != sections_.integers.size()) {
    return malformed("%zu integers are used, the file has %zu", integers_used_, sections_.integers.size());
  }
  for (std::size_t i = 0; i < header_.tensor_count; ++i) {
    if (!ready_[i]) return malformed("tensor %zu: neither constant nor input nor the output of a node", i);
  }
  return {};
}

Status Reader::read_node(std::size_t index, const layout::Node& record) {
  Node& node = model_.nodes[index];
  INTAGLIO_TRY(next_string(record.name, "node", index, node.name));
  if (!known_op(record.op)) {
    return Status::error(Code::kUnsupportedOp, "node %zu '%.*s': unknown op code %" PRIu32, index,
                         static_cast<int>(std::min<std::size_t>(node.name.size(), 80)), node.name.data(), record.op);
  }
  node.op = static_cast<OpCode>(record.op);
  if ((record.zero[0] | record.zero[1] | record.zero[2]) != 0) {
    return malformed("node %zu: its reserved bytes are not zero", index);
  }
  INTAGLIO_TRY(next_list(record.inputs, "node", index, node.inputs));
  INTAGLIO_TRY(next_list(record.outputs, "node", index, node.outputs));
  INTAGLIO_TRY(next_list(record.attrs, "node", index, node.attrs));
  INTAGLIO_TRY(check_ids(node.inputs, "input", index));
  INTAGLIO_TRY(check_ids(node.outputs, "output", index));
  if (node.outputs.size() != output_count(node.op)) {
    return malformed("node %zu: %zu outputs expected, got %zu", index, output_count(node.op), node.outputs.size());
  }
  for (const std::int64_t id : node.inputs) {
    if (!ready_[static_cast<std::size_t>(id)]) {
      return malformed("node %zu: its input tensor %lld is made by no earlier node", index, static_cast<long long>(id));
    }
  }
  for (const std::int64_t id : node.outputs) {
    const auto output = static_cast<std::size_t>(id);
    if (ready_[output]) return malformed("node %zu: its output tensor %zu already has a value", index, output);
    ready_[output] = true;
  }
  return {};
}

Status Reader::check_ids(std::span<const std::int64_t> ids, const char* what, std::size_t node) {
  for (const std::int64_t id : ids) {
    if (id < 0 || id >= header_.tensor_count) {
      return malformed("node %zu: %s tensor %lld of %" PRIu32, node, what, static_cast<long long>(id),
                       header_.tensor_count);
    }
  }
  return {};
}

Status Reader::read_metadata() {
  INTAGLIO_TRY(next_string(header_.metadata, "metadata", 0, model_.metadata));
  if (strings_used_ != sections_.strings.size()) {
    return malformed("%zu bytes of strings are used, the file has %zu", strings_used_, sections_.strings.size());
  }
  return {};
}

Status Reader::check_names() {
  Array<std::string_view> names(allocator_, std::max(model_.tensors.size(), model_.nodes.size()));
  if (!names.ok()) return no_memory();
  const auto check = [&](const auto& items, const char* what) -> Status {
    std::string_view* end = std::transform(items.begin(), items.end(), names.begin(), [](auto& i) { return i.name; });
    std::sort(names.begin(), end);
    if (end != names.begin() && names[0].empty()) return malformed("a %s without a name", what);
    const std::string_view* twin = std::adjacent_find(names.begin(), end);
    if (twin == end) return {};
    return malformed("two %ss are named '%.*s'", what, static_cast<int>(std::min<std::size_t>(twin->size(), 80)),
                     twin->data());
  };
  INTAGLIO_TRY(check(model_.tensors, "tensor"));
  return check(model_.nodes, "node");
}

Status Reader::check_peak() {
  const Result<std::uint64_t> peak = peak_activation_bytes(model_, allocator_);
  if (!peak.ok()) return peak.status();
  const auto print = [](std::uint64_t value) -> unsigned long long { return value; };
  if (peak.value() == header_.peak_activation_bytes) return {};
  return malformed("the header's peak must be %llu bytes, got %llu", print(peak.value()),
                   print(header_.peak_activation_bytes));
}

}  // namespace

Result<Model> read_model(std::span<const std::byte> file, Constants constants, Allocator& allocator) {
  const Result<Sections> sections = read_sections(file);
  if (!sections.ok()) return sections.status();
  return Reader(sections.value(), constants, allocator).read();
}

}  // namespace intaglio
