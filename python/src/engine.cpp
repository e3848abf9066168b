// Engine: a loaded model as Python sees it. Python's Model adds names, floats and conversions; a call with arrays that
// already fit goes straight from here to the kernels.
#include "runtime/engine.h"

#include <pybind11/numpy.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bindings.h"
#include "posix/clock.h"
#include "runtime/context_pool.h"
#include "status.h"

namespace py = pybind11;

namespace intaglio::python {
namespace {

// Runs smaller than this (a few microseconds) keep the GIL: giving it away and taking it back would cost as much.
constexpr std::int64_t kTinyWork = std::int64_t{1} << 19;
// Long batches run in pieces of about this long, between which signals (Ctrl-C) are heard.
constexpr std::chrono::milliseconds kPiece{50};
constexpr std::int64_t kFirstPieceWork = std::int64_t{1} << 30;

py::dtype dtype_of(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return py::dtype::of<std::int8_t>();
    case DType::kUint8:
      return py::dtype::of<std::uint8_t>();
    case DType::kInt32:
      return py::dtype::of<std::int32_t>();
    case DType::kInt64:
      return py::dtype::of<std::int64_t>();
    case DType::kFloat32:
      return py::dtype::of<float>();
  }
  throw py::value_error("unknown element type");
}

// What an array must look like to be used as it is.
struct PortShape {
  py::dtype dtype;
  std::vector<py::ssize_t> dims;  // dims[0] is any where the model is batchable
  std::size_t bytes;              // of one sample
};

// The bytes of an object, as long as this lives; it must hold them in one contiguous run.
class HeldBytes {
 public:
  explicit HeldBytes(py::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_SIMPLE) == 0) return;
    if (PyErr_ExceptionMatches(PyExc_BufferError) == 0) throw py::error_already_set();
    PyErr_Clear();
    throw py::value_error("the model must be one contiguous run of bytes");
  }
  ~HeldBytes() { PyBuffer_Release(&buffer_); }
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(buffer_.buf), static_cast<std::size_t>(buffer_.len)};
  }

 private:
  Py_buffer buffer_;
};

const auto* proxy_of(PyObject* array) { return py::detail::array_proxy(array); }
std::byte* address_of(PyObject* array) { return reinterpret_cast<std::byte*>(proxy_of(array)->data); }

class PyEngine {
 public:
  PyEngine(const py::object& file, const std::string& isa, int threads, const py::sequence& constants) {
    const HeldBytes held(file);
    std::deque<HeldBytes> held_constants;
    std::vector<std::span<const std::byte>> spans;
    spans.reserve(constants.size());
    for (const py::handle constant : constants) spans.push_back(held_constants.emplace_back(constant).bytes());
    const Isa tier = unwrap(choose_isa(isa));
    Status status;
    {
      const py::gil_scoped_release release;
      status = engine_.load(held.bytes(), spans, FileLife::kLoad, tier, threads);
    }
    check(status);
    for (const Port& port : engine_.model().inputs) inputs_.push_back(port_shape(port));
    for (const Port& port : engine_.model().outputs) outputs_.push_back(port_shape(port));
  }

  const Engine& engine() const { return engine_; }

  // Runs on arrays that fit as they are. Returns new arrays or, where it is given, `out`: an array, or a tuple of one
  // for each output. An empty object where one does not fit.
  py::object try_run(PyObject* const* arrays, std::size_t count, PyObject* out);

  // Nanoseconds of every step in each of `repeats` runs of one sample.
  py::array_t<std::int64_t> profile(const py::tuple& arrays, py::ssize_t repeats);

 private:
  PortShape port_shape(const Port& port) const {
    const Tensor& tensor = engine_.model().tensors[port.tensor];
    return {dtype_of(port.dtype), {tensor.dims.begin(), tensor.dims.end()}, tensor.bytes};
  }

  bool fits(PyObject* object, const PortShape& port, py::ssize_t& samples) const;
  py::object make_output(const PortShape& port, py::ssize_t samples) const;
  py::object make_outputs(py::ssize_t samples, std::byte** addresses) const;
  bool takes_outputs(PyObject* out, py::ssize_t samples, std::byte** addresses) const;
  bool overlap(std::byte* const* addresses, py::ssize_t samples) const;
  void run(const Batch& batch);
  std::chrono::nanoseconds run_piece(const Batch& piece);

  Engine engine_{system_allocator()};
  ContextPool contexts_{engine_, system_allocator()};
  std::vector<PortShape> inputs_;
  std::vector<PortShape> outputs_;
};

// `samples` is -1 before the first input.
bool PyEngine::fits(PyObject* object, const PortShape& port, py::ssize_t& samples) const {
  const auto& numpy = py::detail::npy_api::get();
  if (!numpy.PyArray_Check_(object)) return false;
  const auto* const array = proxy_of(object);
  if (array->descr != port.dtype.ptr() && !numpy.PyArray_EquivTypes_(array->descr, port.dtype.ptr())) return false;
  if ((array->flags & py::array::c_style) == 0) return false;
  if (static_cast<std::size_t>(array->nd) != port.dims.size()) return false;
  const std::size_t first = engine_.batchable() ? 1 : 0;
  if (!std::equal(port.dims.begin() + static_cast<py::ssize_t>(first), port.dims.end(), array->dimensions + first)) {
    return false;
  }
  const py::ssize_t leading = first == 1 ? array->dimensions[0] : 1;
  if (samples >= 0 && samples != leading) return false;
  samples = leading;
  return true;
}

py::object PyEngine::make_output(const PortShape& port, py::ssize_t samples) const {
  py::ssize_t dims[8];
  std::copy(port.dims.begin(), port.dims.end(), dims);
  if (engine_.batchable()) dims[0] = samples;
  const auto& numpy = py::detail::npy_api::get();
  PyObject* const array =
      numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, port.dtype.inc_ref().ptr(), static_cast<int>(port.dims.size()),
                                  dims, nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

// New arrays, and where their bytes lie.
py::object PyEngine::make_outputs(py::ssize_t samples, std::byte** addresses) const {
  if (outputs_.size() == 1) {
    py::object output = make_output(outputs_[0], samples);
    addresses[0] = address_of(output.ptr());
    return output;
  }
  py::tuple outputs(outputs_.size());
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    py::object array = make_output(outputs_[i], samples);
    addresses[i] = address_of(array.ptr());
    outputs[i] = std::move(array);
  }
  return outputs;
}

bool PyEngine::takes_outputs(PyObject* out, py::ssize_t samples, std::byte** addresses) const {
  const bool tuple = PyTuple_Check(out) != 0;
  if (static_cast<std::size_t>(tuple ? PyTuple_GET_SIZE(out) : 1) != outputs_.size()) return false;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    PyObject* const array = tuple ? PyTuple_GET_ITEM(out, static_cast<py::ssize_t>(i)) : out;
    if (!fits(array, outputs_[i], samples)) return false;
    if ((proxy_of(array)->flags & py::detail::npy_api::NPY_ARRAY_WRITEABLE_) == 0) return false;
    addresses[i] = address_of(array);
  }
  return true;
}

// Whether an output shares memory with an input or another output. `addresses` are those of all inputs and outputs.
bool PyEngine::overlap(std::byte* const* addresses, py::ssize_t samples) const {
  const std::size_t count = inputs_.size() + outputs_.size();
  const auto end = [&](std::size_t i) {
    const PortShape& port = i < inputs_.size() ? inputs_[i] : outputs_[i - inputs_.size()];
    return addresses[i] + port.bytes * static_cast<std::size_t>(samples);
  };
  for (std::size_t i = inputs_.size(); i < count; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (addresses[i] < end(j) && addresses[j] < end(i)) return true;
    }
  }
  return false;
}

py::object PyEngine::try_run(PyObject* const* arrays, std::size_t count, PyObject* out) {
  constexpr std::size_t kFew = 8;
  const std::size_t ports = inputs_.size() + outputs_.size();
  if (count != inputs_.size()) return {};
  std::byte* few[kFew];
  std::vector<std::byte*> many(ports > kFew ? ports : 0);
  std::byte** const addresses = ports > kFew ? many.data() : few;

  py::ssize_t samples = count == 0 ? 1 : -1;
  for (std::size_t i = 0; i < count; ++i) {
    if (!fits(arrays[i], inputs_[i], samples)) return {};
    addresses[i] = address_of(arrays[i]);
  }
  py::object outputs;
  if (out == nullptr) {
    outputs = make_outputs(samples, addresses + count);
  } else {
    if (!takes_outputs(out, samples, addresses + count) || overlap(addresses, samples)) return {};
    outputs = py::reinterpret_borrow<py::object>(out);
  }
  run({addresses, addresses + count, samples, 0});
  return outputs;
}

void PyEngine::run(const Batch& batch) {
  const std::int64_t work = std::max<std::int64_t>(engine_.plan().work(), 1);
  if (batch.samples <= kTinyWork / work) {
    check(contexts_.run(batch));
    return;
  }
  std::int64_t piece = std::max<std::int64_t>(kFirstPieceWork / work, engine_.threads());
  for (std::int64_t begin = 0; begin < batch.samples;) {
    const std::int64_t count = std::min(piece, batch.samples - begin);
    const auto elapsed = run_piece({batch.inputs, batch.outputs, count, begin});
    begin += count;
    if (begin < batch.samples && PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (elapsed < kPiece / 2) piece *= 2;
    if (elapsed > kPiece * 2) piece = std::max<std::int64_t>(piece / 2, engine_.threads());
  }
}

// Runs without the GIL; how long it took.
std::chrono::nanoseconds PyEngine::run_piece(const Batch& piece) {
  const auto before = std::chrono::steady_clock::now();
  Status status;
  {
    const py::gil_scoped_release release;
    status = contexts_.run(piece);
  }
  check(status);
  return std::chrono::steady_clock::now() - before;
}

py::array_t<std::int64_t> PyEngine::profile(const py::tuple& arrays, py::ssize_t repeats) {
  std::vector<const std::byte*> inputs;
  py::ssize_t samples = -1;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    PyObject* const array = PyTuple_GET_ITEM(arrays.ptr(), static_cast<py::ssize_t>(i));
    if (i >= inputs_.size() || !fits(array, inputs_[i], samples)) throw py::value_error("inputs do not fit the model");
    inputs.push_back(address_of(array));
  }
  if (inputs.size() != inputs_.size() || samples == 0) throw py::value_error("profile needs one sample of every input");
  const std::size_t steps = engine_.plan().steps().size();
  py::array_t<std::int64_t> times({repeats, static_cast<py::ssize_t>(steps)});
  Status status;
  {
    std::int64_t* const first = times.mutable_data();
    const py::gil_scoped_release release;
    for (py::ssize_t i = 0; i < repeats && status.ok(); ++i) {
      status =
          contexts_.profile(inputs.data(), clock_nanoseconds, {first + static_cast<std::size_t>(i) * steps, steps});
    }
  }
  check(status);
  return times;
}

py::str text(std::string_view name) { return {name.data(), name.size()}; }

py::list describe_ports(const PyEngine& self, const Array<Port>& ports) {
  const Model& model = self.engine().model();
  py::list list;
  for (const Port& port : ports) {
    const Tensor& tensor = model.tensors[port.tensor];
    py::tuple dims(tensor.dims.size());
    for (std::size_t i = 0; i < dims.size(); ++i) dims[i] = py::int_(tensor.dims[i]);
    const std::int32_t shift = port.dtype == DType::kUint8 ? kStorageOffset : 0;
    const py::object scale = tensor.quantized ? py::object(py::float_(tensor.scale)) : py::object(py::none());
    list.append(py::make_tuple(text(tensor.name), dims, dtype_of(port.dtype), scale,
                               tensor.quantized ? tensor.zero_point + shift : 0));
  }
  return list;
}

std::size_t node_bytes(const Model& model, const Node& node) {
  std::size_t bytes = 0;
  for (const std::int64_t id : node.inputs) bytes += model.tensors[static_cast<std::size_t>(id)].bytes;
  for (const std::int64_t id : node.outputs) bytes += model.tensors[static_cast<std::size_t>(id)].bytes;
  return bytes;
}

py::list describe_steps(const PyEngine& self) {
  const Model& model = self.engine().model();
  const auto steps = self.engine().plan().steps();
  py::list list;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const Node& node = model.nodes[step.node];
    const bool last = i + 1 == steps.size() || steps[i + 1].node != step.node;
    list.append(py::make_tuple(text(node.name), op_name(node.op), step.kernel, step.reason, step.macs,
                               last ? node_bytes(model, node) : 0, step.parts));
  }
  return list;
}

// The ops the engine computes: code by name.
py::dict ops() {
  py::dict codes;
#define OP(code, name, family) codes[#name] = code;
#include "ops/ops.inc"
#undef OP
  return codes;
}

// tp_call: model(x, ...) without a Python frame where the arrays fit; anything else goes to Model._call.
PyObject* call(PyObject* self, PyObject* args, PyObject* kwargs) {
  const auto value = reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder();
  if (!value.holder_constructed()) {
    PyErr_SetString(PyExc_TypeError, "the model was not initialised");
    return nullptr;
  }
  const py::ssize_t options = kwargs == nullptr ? 0 : PyDict_GET_SIZE(kwargs);
  static PyObject* const out_name = PyUnicode_InternFromString("out");
  PyObject* out = options == 1 ? PyDict_GetItemWithError(kwargs, out_name) : nullptr;  // borrowed
  if (options == (out == nullptr ? 0 : 1)) {
    if (out == Py_None) out = nullptr;
    try {
      auto& engine = *value.value_ptr<PyEngine>();
      py::object outputs =
          engine.try_run(&PyTuple_GET_ITEM(args, 0), static_cast<std::size_t>(PyTuple_GET_SIZE(args)), out);
      if (outputs) return outputs.release().ptr();
    } catch (py::error_already_set& error) {
      error.restore();
      return nullptr;
    } catch (const std::bad_alloc&) {
      return PyErr_NoMemory();
    }
  }
  PyObject* const method = PyObject_GetAttrString(self, "_call");
  if (method == nullptr) return nullptr;
  PyObject* const outputs = PyObject_Call(method, args, kwargs);
  Py_DECREF(method);
  return outputs;
}

}  // namespace

void bind_engine(py::module_& module) {
  module.def("ops", ops);
  const auto set_call = [](PyHeapTypeObject* type) { type->ht_type.tp_call = call; };
  py::class_<PyEngine>(module, "Engine", py::custom_type_setup(set_call))
      .def(py::init<const py::object&, const std::string&, int, const py::sequence&>(), py::arg("file"), py::arg("isa"),
           py::arg("threads"), py::arg("constants") = py::tuple())
      .def(
          "_run",
          [](PyEngine& self, const py::tuple& arrays, const py::object& out) {
            py::object outputs =
                self.try_run(&PyTuple_GET_ITEM(arrays.ptr(), 0), arrays.size(), out.is_none() ? nullptr : out.ptr());
            if (!outputs) throw py::type_error("the arrays do not fit the model's inputs and outputs");
            return outputs;
          },
          py::arg("arrays"), py::arg("out") = py::none())
      .def("_profile", &PyEngine::profile, py::arg("arrays"), py::arg("repeats"))
      .def("_inputs", [](const PyEngine& self) { return describe_ports(self, self.engine().model().inputs); })
      .def("_outputs", [](const PyEngine& self) { return describe_ports(self, self.engine().model().outputs); })
      .def("_steps", describe_steps)
      .def_property_readonly("_batchable", [](const PyEngine& self) { return self.engine().batchable(); })
      .def_property_readonly("isa", [](const PyEngine& self) { return isa_name(self.engine().isa()); })
      .def_property_readonly("threads", [](const PyEngine& self) { return self.engine().threads(); })
      .def_property_readonly("arena_bytes", [](const PyEngine& self) { return self.engine().plan().arena_bytes(); })
      .def_property_readonly("weight_bytes",
                             [](const PyEngine& self) { return self.engine().plan().constant_bytes(); });
}

}  // namespace intaglio::python
