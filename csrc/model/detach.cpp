#include <cstring>

#include "model/layout.h"
#include "model/model.h"

namespace intaglio {
namespace {

// From places in the file to the same places in a copy of its beginning.
class Move {
 public:
  Move(const std::byte* file, const std::byte* copy) : file_(file), copy_(copy) {}

  void operator()(std::string_view& text) const { text = {moved(text.data()), text.size()}; }
  void operator()(std::span<const std::int64_t>& list) const { list = {moved(list.data()), list.size()}; }

 private:
  template <class T>
  const T* moved(const T* place) const {
    return reinterpret_cast<const T*>(copy_ + (reinterpret_cast<const std::byte*>(place) - file_));
  }

  const std::byte* file_;
  const std::byte* copy_;
};

}  // namespace

Status detach(Model& model, std::span<const std::byte> file, Allocator& allocator) {
  const auto size = static_cast<std::size_t>(layout::load<layout::Header>(file.data()).data.offset);
  model.tables = Array<std::byte>(allocator, size);
  if (!model.tables.ok()) return Status::error(Code::kOutOfMemory, "no memory for the model's tables");
  std::memcpy(model.tables.data(), file.data(), size);
  const Move move(file.data(), model.tables.data());
  for (Tensor& tensor : model.tensors) {
    move(tensor.name);
    move(tensor.dims);
    tensor.data = nullptr;
  }
  for (Node& node : model.nodes) {
    move(node.name);
    move(node.inputs);
    move(node.outputs);
    move(node.attrs);
  }
  move(model.metadata);
  return {};
}

}  // namespace intaglio
