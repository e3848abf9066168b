#include "api/ports.h"

#include <cstring>

namespace intaglio::api {
namespace {

intaglio_port describe(const Port& port, const Model& network, char*& name) {
  const Tensor& tensor = network.tensors[port.tensor];
  const intaglio_port described = {
      .name = name,
      .shape = tensor.dims.data(),
      .rank = tensor.dims.size(),
      .elements = static_cast<std::size_t>(tensor.elements),
      .bytes = tensor.bytes,
      .dtype = static_cast<intaglio_dtype>(port.dtype),
      .quantized = tensor.quantized ? 1 : 0,
      .scale = tensor.scale,
      .zero_point = tensor.zero_point + (port.dtype == DType::kUint8 ? kStorageOffset : 0)};
  std::memcpy(name, tensor.name.data(), tensor.name.size());
  name += tensor.name.size() + 1;  // the array began as zeros
  return described;
}

}  // namespace

Status describe_ports(intaglio_model& model) {
  const Model& network = model.engine.model();
  std::size_t characters = 0;
  for (const auto* ports : {&network.inputs, &network.outputs}) {
    for (const Port& port : *ports) characters += network.tensors[port.tensor].name.size() + 1;
  }
  model.names = Array<char>(model.allocator, characters);
  model.ports = Array<intaglio_port>(model.allocator, network.inputs.size() + network.outputs.size());
  if (!model.names.ok() || !model.ports.ok()) return Status::error(Code::kOutOfMemory, "no memory for the ports");
  char* name = model.names.data();
  intaglio_port* described = model.ports.data();
  for (const auto* ports : {&network.inputs, &network.outputs}) {
    for (const Port& port : *ports) *described++ = describe(port, network, name);
  }
  return {};
}

}  // namespace intaglio::api

using intaglio::api::is_open;

size_t intaglio_model_input_count(const intaglio_model* model) noexcept {
  return is_open(model) ? model->engine.model().inputs.size() : 0;
}

size_t intaglio_model_output_count(const intaglio_model* model) noexcept {
  return is_open(model) ? model->engine.model().outputs.size() : 0;
}

const intaglio_port* intaglio_model_input(const intaglio_model* model, size_t index) noexcept {
  return index < intaglio_model_input_count(model) ? &model->ports[index] : nullptr;
}

const intaglio_port* intaglio_model_output(const intaglio_model* model, size_t index) noexcept {
  if (index >= intaglio_model_output_count(model)) return nullptr;
  return &model->ports[intaglio_model_input_count(model) + index];
}
