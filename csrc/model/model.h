// A model in memory: views into the verified bytes of an `.intaglio` file (docs/format.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/memory.h"
#include "base/status.h"

namespace intaglio {

enum class DType : std::uint8_t { kInt8 = 1, kUint8 = 2, kInt32 = 3, kInt64 = 4, kFloat32 = 5 };

constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
    case DType::kUint8:
      return 1;
    case DType::kInt32:
    case DType::kFloat32:
      return 4;
    case DType::kInt64:
      return 8;
  }
  return 0;
}

enum class OpCode : std::uint32_t {
#define OP(code, name, family) name = code,
#include "ops/ops.inc"
#undef OP
};

const char* op_name(OpCode op);

// How many outputs the op has.
constexpr std::size_t output_count(OpCode op) {
  return op == OpCode::dynamic_quantize ? 3 : op == OpCode::detection_postprocess ? 4 : 1;
}

using TensorId = std::uint32_t;

struct Tensor {
  std::string_view name;
  DType dtype = DType::kInt8;
  std::span<const std::int64_t> dims;
  bool quantized = false;
  std::int32_t zero_point = 0;  // in int8 values, [-128, 127]
  float scale = 0;
  const std::byte* data = nullptr;  // constants only, aligned for their type
  std::int64_t elements = 1;        // product of dims
  std::size_t bytes = 0;            // elements * size_of(dtype)

  bool constant() const { return data != nullptr; }
  // The elements of a constant.
  template <class T>
  std::span<const T> values() const {
    return {reinterpret_cast<const T*>(data), static_cast<std::size_t>(elements)};
  }
};

struct Node {
  OpCode op{};
  std::string_view name;
  std::span<const std::int64_t> inputs;  // tensor ids
  std::span<const std::int64_t> outputs;
  std::span<const std::int64_t> attrs;
};

struct Port {
  TensorId tensor = 0;
  DType dtype = DType::kInt8;  // what the caller sees; kUint8 is int8 shifted by 128
};

// Immutable once read. Refers to the bytes it was read from, which must outlive it unless it is detached.
struct Model {
  Array<Tensor> tensors;
  Array<Node> nodes;
  Array<Port> inputs;
  Array<Port> outputs;
  std::string_view metadata;  // JSON
  Array<std::byte> tables;    // a detached model's copy of what it refers to

  const Tensor& input(const Node& node, std::size_t i) const {
    return tensors[static_cast<std::size_t>(node.inputs[i])];
  }
  const Tensor& output(const Node& node, std::size_t i = 0) const {
    return tensors[static_cast<std::size_t>(node.outputs[i])];
  }
};

// Constants that lie apart from their file: those of one byte or more, in tensor order. The file's data section is then
// empty, and the data of every tensor has offset 0.
using Constants = std::span<const std::span<const std::byte>>;

// Verifies the whole of `file` (8-byte aligned) and builds the model. Any byte string is safe. Structure is proved
// here: ranges, counts, enums, acyclicity, single assignment; what is particular to an op is proved by its prepare().
// The constants are in the file unless `constants` has any.
Result<Model> read_model(std::span<const std::byte> file, Constants constants, Allocator& allocator);

// Makes the model independent of `file`, from which it was read. Constants keep no data.
Status detach(Model& model, std::span<const std::byte> file, Allocator& allocator);

}  // namespace intaglio
