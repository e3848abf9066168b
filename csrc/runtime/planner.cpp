#include "runtime/planner.h"

#include <algorithm>
#include <cstdarg>

#include "base/text.h"

namespace intaglio {
int Planner::parts_for(std::int64_t macs) const {
  return static_cast<int>(std::clamp<std::int64_t>(macs / kWorkPerPart, 1, threads()));
}

Status node_error(Code code, const Node& node, const char* format, ...) {
  char message[200];
  std::va_list arguments;
  va_start(arguments, format);
  write_text_from(message, sizeof(message), format, arguments);
  va_end(arguments);
  const int length = static_cast<int>(std::min<std::size_t>(node.name.size(), 60));
  return Status::error(code, "node '%.*s' (%s): %s", length, node.name.data(), op_name(node.op), message);
}

Status out_of_memory(const Node& node) { return node_error(Code::kOutOfMemory, node, "no memory for its plan"); }

}  // namespace intaglio
