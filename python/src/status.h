// From the engine's Status to the exceptions of intaglio.errors.
#pragma once

#include "base/status.h"

namespace intaglio::python {

// Throws (as pybind11::error_already_set) the exception that fits an error.
[[noreturn]] void raise(const Status& status);

inline void check(const Status& status) {
  if (!status.ok()) raise(status);
}

template <class T>
T unwrap(Result<T> result) {
  check(result.status());
  return std::move(result).value();
}

}  // namespace intaglio::python
