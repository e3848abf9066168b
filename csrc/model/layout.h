// The records of an `.intaglio` file, byte for byte as docs/format.md lays them out.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace intaglio::layout {

static_assert(std::endian::native == std::endian::little, "the file is little-endian and is read in place");

inline constexpr char kMagic[8] = {'I', 'N', 'T', 'A', 'G', 'L', 'I', 'O'};
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint32_t kOpsetVersion = 1;
inline constexpr std::uint64_t kMaxDim = 0x7fffffff;
// With 32-bit addresses, what a plan makes of a tensor (a column of weights becomes 16, a byte an int32) has to fit,
// too.
inline constexpr int kMaxTensorBits = sizeof(void*) == 4 ? 25 : 40;
inline constexpr std::uint64_t kMaxTensorBytes = (std::uint64_t{1} << kMaxTensorBits) - 1;
inline constexpr std::size_t kMaxRank = 8;

struct Section {
  std::uint64_t offset, size;
};

// Where a name or the metadata lies in the strings, or a list in the integers.
struct Extent {
  std::uint32_t first, count;
};

struct Header {
  char magic[8];
  std::uint32_t format_version;
  std::uint32_t opset_version;
  std::uint64_t file_size;
  std::uint64_t header_checksum;
  std::uint64_t body_checksum_a;
  std::uint64_t body_checksum_b;
  std::uint32_t tensor_count, node_count, input_count, output_count;
  Section tensors, nodes, ports, integers, strings, data;
  Extent metadata;
  std::uint64_t peak_activation_bytes;
  std::uint64_t zero[2];
};
static_assert(sizeof(Header) == 192);

struct Tensor {
  Extent name;
  std::uint8_t dtype;
  std::uint8_t rank;
  std::uint8_t quantized;
  std::uint8_t constant;
  std::int32_t zero_point;
  float scale;
  std::uint32_t dims;
  std::uint64_t data_offset;
  std::uint64_t data_size;
  std::uint64_t zero[3];
};
static_assert(sizeof(Tensor) == 64);

struct Node {
  std::uint32_t op;
  Extent name, inputs, outputs, attrs;
  std::uint32_t zero[3];
};
static_assert(sizeof(Node) == 48);

struct Port {
  std::uint32_t tensor;
  std::uint32_t dtype;
  std::uint64_t zero;
};
static_assert(sizeof(Port) == 16);

template <class Record>
Record load(const std::byte* at) {
  Record record;
  std::memcpy(&record, at, sizeof(record));
  return record;
}

}  // namespace intaglio::layout
