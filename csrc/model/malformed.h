// The error of bytes that are not a well-formed file.
#pragma once

#include <cstdarg>

#include "base/status.h"

namespace intaglio {

__attribute__((cold, format(printf, 1, 2))) inline Status malformed(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const Status status = Status::verror(Code::kModelFormat, format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace intaglio
