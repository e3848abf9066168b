#include "status.h"

#include <cstring>

#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace intaglio::python {
namespace {

const char* exception_name(Code code) {
  switch (code) {
    case Code::kModelFormat:
    case Code::kUnsupportedVersion:
      return "ModelFormatError";
    case Code::kUnsupportedOp:
    case Code::kLeftOut:
      return "UnsupportedOpError";
    case Code::kShape:
      return "ShapeError";
    case Code::kDType:
      return "DTypeError";
    case Code::kQuantization:
      return "QuantizationError";
    case Code::kIsa:
      return "IsaError";
    case Code::kInvalidArgument:
      return "GraphError";
    case Code::kInput:
      return "InputError";
    case Code::kOk:
    case Code::kOutOfMemory:
      break;
    // Of the C API alone.
    case Code::kIo:
    case Code::kTooSmall:
    case Code::kMisaligned:
    case Code::kBusy:
    case Code::kClosed:
      return "Error";
  }
  return nullptr;
}

}  // namespace

void raise(const Status& status) {
  // A name cut in the middle of a character must not hide the message.
  const py::object message = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(status.message(), static_cast<py::ssize_t>(std::strlen(status.message())), "replace"));
  const char* const name = exception_name(status.code());
  const py::object type = name != nullptr ? py::object(py::module_::import("intaglio.errors").attr(name))
                                          : py::reinterpret_borrow<py::object>(PyExc_MemoryError);
  PyErr_SetObject(type.ptr(), message.ptr());
  throw py::error_already_set();
}

}  // namespace intaglio::python
