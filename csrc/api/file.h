// Whole files, for models that are opened by path.
#pragma once

#include "base/memory.h"
#include "base/status.h"

namespace intaglio::api {

// Reads the file into `bytes`. A copy rather than a mapping: what was verified cannot change afterwards.
Status read_file(const char* path, Allocator& allocator, Array<Uninitialized>& bytes);

}  // namespace intaglio::api
