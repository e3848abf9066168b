#include "api/file.h"

namespace intaglio::api {

Status read_file(const char* path, Allocator&, Array<Uninitialized>&) {
  return Status::error(Code::kIo, "cannot open '%.150s': this build is for machines without files", path);
}

}  // namespace intaglio::api
