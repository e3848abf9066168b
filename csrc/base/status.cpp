#include "base/status.h"

#include <cstring>

#include "base/text.h"

namespace intaglio {

Status::Status(const Status& other) { *this = other; }

Status& Status::operator=(const Status& other) {
  code_ = other.code_;
  std::memmove(message_, other.message_, std::strlen(other.message_) + 1);
  return *this;
}

Status Status::error(Code code, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const Status status = verror(code, format, arguments);
  va_end(arguments);
  return status;
}

Status Status::verror(Code code, const char* format, std::va_list arguments) {
  Status status;
  status.code_ = code;
  write_text_from(status.message_, sizeof(status.message_), format, arguments);
  return status;
}

}  // namespace intaglio
