// Words in lists that the build system writes, such as "avx2,avxvnni".
#pragma once

#include <string_view>

namespace intaglio {

constexpr bool listed(std::string_view word, std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const bool last = comma == std::string_view::npos;
    // Not substr(), which may throw.
    if (std::string_view(list.data(), last ? list.size() : comma) == word) return true;
    list.remove_prefix(last ? list.size() : comma + 1);
  }
  return false;
}

}  // namespace intaglio
