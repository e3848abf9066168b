// Words in lists that the build system writes, such as "avx2,avxvnni".
#pragma once

#include <string_view>

namespace intaglio {

constexpr bool listed(std::string_view word, std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (list.substr(0, comma) == word) return true;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return false;
}

}  // namespace intaglio
