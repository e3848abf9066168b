#include "bindings.h"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The engine. Use it through the package: intaglio.load, intaglio.cpu.";
  intaglio::python::bind_engine(module);
  intaglio::python::bind_cpu(module);
  intaglio::python::bind_quantization(module);
}
