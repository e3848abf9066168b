// One function per file of bindings, called by module.cpp.
#pragma once

#include <pybind11/pybind11.h>

namespace intaglio::python {

void bind_engine(pybind11::module_& module);
void bind_cpu(pybind11::module_& module);
void bind_quantization(pybind11::module_& module);

}  // namespace intaglio::python
