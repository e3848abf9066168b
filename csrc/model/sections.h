// The outer structure of an `.intaglio` file: header, checksums, and where the sections lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "model/layout.h"

namespace intaglio {

struct Sections {
  layout::Header header{};
  std::span<const std::byte> tensors, nodes, ports, data;
  std::span<const std::int64_t> integers;
  std::string_view strings;
};

// Proves that the header is right, that checksums match, and that the sections lie end to end inside the file with the
// sizes that their counts ask for.
Result<Sections> read_sections(std::span<const std::byte> file);

}  // namespace intaglio
