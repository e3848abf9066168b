#include "model/sections.h"

#include <cinttypes>

#include "base/checked.h"
#include "base/memory.h"
#include "model/checksum.h"
#include "model/malformed.h"

namespace intaglio {
namespace {

using layout::Header;
using layout::Section;

unsigned long long print(std::uint64_t value) { return value; }

Status check_header(const Header& header, std::span<const std::byte> file) {
  if (std::memcmp(header.magic, layout::kMagic, sizeof(header.magic)) != 0) {
    return malformed("not an Intaglio model: it does not start with 'INTAGLIO'");
  }
  if (header.format_version != layout::kFormatVersion) {
    return Status::error(Code::kUnsupportedVersion,
                         "file format version %" PRIu32 ": this engine reads version %" PRIu32, header.format_version,
                         layout::kFormatVersion);
  }
  if (header.opset_version != layout::kOpsetVersion) {
    return Status::error(Code::kUnsupportedVersion, "op-set version %" PRIu32 ": this engine has version %" PRIu32,
                         header.opset_version, layout::kOpsetVersion);
  }
  if (header.file_size != file.size() || file.size() % kAlignment != 0) {
    return malformed("the header says %llu bytes (a multiple of 64), got %zu: truncated or damaged",
                     print(header.file_size), file.size());
  }
  Header unsigned_header = header;
  unsigned_header.header_checksum = 0;
  if (checksum(std::as_bytes(std::span(&unsigned_header, 1))).a != header.header_checksum) {
    return malformed("damaged: the header's checksum does not match");
  }
  const Checksums body = checksum(file.subspan(sizeof(Header)));
  if (body.a != header.body_checksum_a || body.b != header.body_checksum_b) {
    return malformed("damaged: the body's checksum does not match");
  }
  if (header.zero[0] != 0 || header.zero[1] != 0) return malformed("bytes 176 to 191 of the header are not zero");
  return {};
}

Status check_extents(const Header& header, std::span<const std::byte> file) {
  constexpr std::uint64_t kAnySize = ~std::uint64_t{0};
  struct Expected {
    const char* name;
    const Section& section;
    std::uint64_t size;
  };
  const std::uint64_t ports = std::uint64_t{header.input_count} + header.output_count;
  const Expected all[] = {{"tensors", header.tensors, header.tensor_count * sizeof(layout::Tensor)},
                          {"nodes", header.nodes, header.node_count * sizeof(layout::Node)},
                          {"ports", header.ports, ports * sizeof(layout::Port)},
                          {"integers", header.integers, kAnySize},
                          {"strings", header.strings, kAnySize},
                          {"data", header.data, kAnySize}};
  std::uint64_t end = sizeof(Header);
  for (const Expected& expected : all) {
    const std::uint64_t start = align_up(end);
    const Section& section = expected.section;
    if (section.offset != start || !inside(section.offset, section.size, file.size())) {
      return malformed("section '%s' must start at byte %llu and end inside the file, got byte %llu, %llu bytes",
                       expected.name, print(start), print(section.offset), print(section.size));
    }
    if (expected.size != kAnySize && section.size != expected.size) {
      return malformed("section '%s' must have %llu bytes for its count, got %llu", expected.name, print(expected.size),
                       print(section.size));
    }
    if (!all_zero(file.subspan(end, start - end))) {
      return malformed("the bytes before section '%s' are not zero", expected.name);
    }
    end = section.offset + section.size;
  }
  if (align_up(end) != file.size() || !all_zero(file.subspan(end))) {
    return malformed("the file must end at the next multiple of 64 after its data, in zero bytes");
  }
  if (header.integers.size % sizeof(std::int64_t) != 0) {
    return malformed("section 'integers' must be a multiple of 8 bytes");
  }
  return {};
}

}  // namespace

Result<Sections> read_sections(std::span<const std::byte> file) {
  if (file.size() < sizeof(Header)) {
    return malformed("a model is at least %zu bytes, got %zu", sizeof(Header), file.size());
  }
  if (reinterpret_cast<std::uintptr_t>(file.data()) % 8 != 0) {
    return Status::error(Code::kInvalidArgument, "the model's bytes must be 8-byte aligned");
  }
  Sections sections;
  sections.header = layout::load<Header>(file.data());
  const Header& header = sections.header;
  INTAGLIO_TRY(check_header(header, file));
  INTAGLIO_TRY(check_extents(header, file));
  const auto at = [&](const Section& section) { return file.subspan(section.offset, section.size); };
  sections.tensors = at(header.tensors);
  sections.nodes = at(header.nodes);
  sections.ports = at(header.ports);
  sections.data = at(header.data);
  sections.integers = {reinterpret_cast<const std::int64_t*>(at(header.integers).data()),
                       header.integers.size / sizeof(std::int64_t)};
  sections.strings = {reinterpret_cast<const char*>(at(header.strings).data()), header.strings.size};
  return sections;
}

}  // namespace intaglio
