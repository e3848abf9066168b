#include "api/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace intaglio::api {
namespace {

class File {
 public:
  explicit File(const char* path) : descriptor_(::open(path, O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool ok() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

Status failure(const char* path, const char* what) {
  return Status::error(Code::kIo, "cannot %s '%.150s' (errno %d)", what, path, errno);
}

}  // namespace

Status read_file(const char* path, Allocator& allocator, Array<Uninitialized>& bytes) {
  const File file(path);
  if (!file.ok()) return failure(path, "open");
  struct stat about{};
  if (::fstat(file.descriptor(), &about) != 0) return failure(path, "ask about");
  if (!S_ISREG(about.st_mode)) return Status::error(Code::kIo, "'%.150s' is no regular file", path);
  const auto size = static_cast<std::size_t>(about.st_size);
  bytes = Array<Uninitialized>(allocator, size);
  if (!bytes.ok()) return Status::error(Code::kOutOfMemory, "no memory for a file of %zu bytes", size);
  for (std::size_t have = 0; have < size;) {
    const ssize_t count = ::read(file.descriptor(), bytes.data() + have, size - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure(path, "read");
    if (count == 0) return Status::error(Code::kIo, "'%.150s' became shorter while it was read", path);
    have += static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace intaglio::api
