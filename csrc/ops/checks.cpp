#include "ops/checks.h"

#include <algorithm>
#include <cinttypes>

#include "base/text.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

// A name as an argument pair of "%.*s", cut so that messages keep room for the rest.
struct Name {
  int length;
  const char* text;
};
Name name_of(const Tensor& tensor) {
  return {static_cast<int>(std::min<std::size_t>(tensor.name.size(), 60)), tensor.name.data()};
}

// Dims as text, "[1,2,3]".
struct DimsText {
  explicit DimsText(std::span<const std::int64_t> dims) { print(dims.data(), dims.size()); }
  char text[96];

 private:
  void print(const std::int64_t* dims, std::size_t count) {
    std::size_t used = write_text(text, sizeof(text), "[");
    for (std::size_t i = 0; i < count && used < sizeof(text) - 24; ++i) {
      used += write_text(text + used, sizeof(text) - used, i == 0 ? "%" PRId64 : ",%" PRId64, dims[i]);
    }
    write_text(text + used, sizeof(text) - used, "]");
  }
};

}  // namespace

Status check_signature(const Node& node, std::size_t inputs, std::size_t outputs, std::size_t attrs) {
  if (node.inputs.size() != inputs || node.outputs.size() != outputs || node.attrs.size() != attrs) {
    return node_error(Code::kModelFormat, node,
                      "has %zu inputs, %zu outputs, %zu attribute integers, expected %zu, %zu, %zu", node.inputs.size(),
                      node.outputs.size(), node.attrs.size(), inputs, outputs, attrs);
  }
  return {};
}

Status check_constant(const Node& node, const Tensor& tensor, const char* role, DType dtype,
                      std::initializer_list<std::int64_t> dims) {
  const Name name = name_of(tensor);
  if (!tensor.constant()) {
    return node_error(Code::kUnsupportedOp, node, "%s '%.*s' must be a constant", role, name.length, name.text);
  }
  if (tensor.dtype != dtype) {
    return node_error(Code::kDType, node, "%s '%.*s' has element type %d, expected %d", role, name.length, name.text,
                      static_cast<int>(tensor.dtype), static_cast<int>(dtype));
  }
  return check_dims(node, tensor, role, dims);
}

Status check_activation(const Node& node, const Tensor& tensor, const char* role) {
  const Name name = name_of(tensor);
  if (tensor.dtype != DType::kInt8) {
    return node_error(Code::kDType, node, "%s '%.*s' has element type %d, expected int8", role, name.length, name.text,
                      static_cast<int>(tensor.dtype));
  }
  if (!tensor.quantized || tensor.zero_point < -128 || tensor.zero_point > 127) {
    return node_error(Code::kQuantization, node, "%s '%.*s' must be quantized with a zero point in [-128, 127]", role,
                      name.length, name.text);
  }
  return {};
}

Status check_rank(const Node& node, const Tensor& tensor, const char* role, std::size_t rank) {
  if (tensor.dims.size() != rank) {
    const Name name = name_of(tensor);
    return node_error(Code::kShape, node, "%s '%.*s' has rank %zu, expected %zu", role, name.length, name.text,
                      tensor.dims.size(), rank);
  }
  return {};
}

Status check_dims(const Node& node, const Tensor& tensor, const char* role, std::initializer_list<std::int64_t> dims) {
  return check_dims(node, tensor, role, std::span<const std::int64_t>(dims.begin(), dims.size()));
}

Status check_dims(const Node& node, const Tensor& tensor, const char* role, std::span<const std::int64_t> dims) {
  if (!std::equal(tensor.dims.begin(), tensor.dims.end(), dims.begin(), dims.end())) {
    const Name name = name_of(tensor);
    return node_error(Code::kShape, node, "%s '%.*s' has shape %s, expected %s", role, name.length, name.text,
                      DimsText(tensor.dims).text, DimsText(dims).text);
  }
  return {};
}

Status check_like(const Node& node, const Tensor& tensor, const char* role, const Tensor& other) {
  const Name name = name_of(tensor), other_name = name_of(other);
  if (tensor.dtype != other.dtype) {
    return node_error(Code::kDType, node, "%s '%.*s' has element type %d, expected %d", role, name.length, name.text,
                      static_cast<int>(tensor.dtype), static_cast<int>(other.dtype));
  }
  if (tensor.quantized != other.quantized || tensor.zero_point != other.zero_point || tensor.scale != other.scale) {
    return node_error(Code::kQuantization, node,
                      "%s '%.*s' has quantization (%g, %" PRId32 "), expected that of '%.*s' (%g, %" PRId32 ")", role,
                      name.length, name.text, static_cast<double>(tensor.scale), tensor.zero_point, other_name.length,
                      other_name.text, static_cast<double>(other.scale), other.zero_point);
  }
  return {};
}

Status check_clamp(const Node& node, std::int64_t low, std::int64_t high) {
  if (low < -128 || high > 127 || low > high) {
    return node_error(Code::kQuantization, node, "clamp (%" PRId64 ", %" PRId64 ") is not a range within [-128, 127]",
                      low, high);
  }
  return {};
}

Status check_between(const Node& node, const char* what, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high) {
    return node_error(Code::kModelFormat, node, "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64, what, value, low,
                      high);
  }
  return {};
}

}  // namespace intaglio
