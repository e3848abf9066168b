#include <string>
#include <vector>

#include <pybind11/stl.h>

#include "bindings.h"
#include "cpu/features.h"
#include "cpu/isa.h"
#include "runtime/thread_pool.h"

namespace py = pybind11;

namespace intaglio::python {
namespace {

std::vector<std::string> features() {
  std::vector<std::string> names;
  for (const CpuFeature& feature : cpu_info().features) {
    if (feature.present) names.emplace_back(feature.name);
  }
  return names;
}

std::vector<std::string> tiers() {
  std::vector<std::string> names;
  for (const Isa isa : kAllIsas) {
    if (cpu_has(isa)) names.emplace_back(isa_name(isa));
  }
  return names;
}

}  // namespace

void bind_cpu(py::module_& module) {
  module.def("cpu_name", [] { return std::string(cpu_info().name); });
  module.def("cpu_features", features);
  module.def("tiers", tiers);
  module.def("usable_cores", usable_cores);
}

}  // namespace intaglio::python
