#include <vector>

#include <pybind11/numpy.h>

#include "base/float_environment.h"
#include "bindings.h"
#include "runtime/ports.h"

namespace py = pybind11;

namespace intaglio::python {
namespace {

using Floats = py::array_t<float, py::array::c_style>;

std::vector<py::ssize_t> shape_of(const py::array& array) { return {array.shape(), array.shape() + array.ndim()}; }

DType dtype_of(const py::array& array) {
  return array.dtype().num() == py::dtype::num_of<std::uint8_t>() ? DType::kUint8 : DType::kInt8;
}

py::tuple quantize_array(const Floats& x, float scale, std::int32_t zero_point, const py::dtype& dtype) {
  py::array q(dtype, shape_of(x));
  const FloatEnvironment environment;
  const auto size = static_cast<std::size_t>(x.size());
  const std::size_t nan = quantize(x.data(), size, scale, zero_point, dtype_of(q), q.mutable_data());
  return py::make_tuple(q, nan == size ? py::object(py::none()) : py::object(py::int_(nan)));
}

Floats dequantize_array(const py::array& q, float scale, std::int32_t zero_point) {
  const FloatEnvironment environment;
  Floats x(shape_of(q));
  dequantize(q.data(), static_cast<std::size_t>(q.size()), scale, zero_point, dtype_of(q), x.mutable_data());
  return x;
}

}  // namespace

void bind_quantization(py::module_& module) {
  module.def("quantize", quantize_array, py::arg("x").noconvert(), py::arg("scale"), py::arg("zero_point"),
             py::arg("dtype"), "C-contiguous float32 to (int8 or uint8, flat index of the first NaN or None).");
  module.def("dequantize", dequantize_array, py::arg("q"), py::arg("scale"), py::arg("zero_point"),
             "C-contiguous int8 or uint8 to float32.");
}

}  // namespace intaglio::python
