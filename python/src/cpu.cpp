#include <string>
#include <utility>
#include <vector>

#include <pybind11/stl.h>

#include "bindings.h"
#include "cpu/features.h"
#include "cpu/isa.h"
#include "gemm/peak.h"
#include "posix/clock.h"
#include "round_trip.h"
#include "runtime/thread_pool.h"
#include "status.h"

namespace py = pybind11;

namespace intaglio::python {
namespace {

std::vector<std::string> features() {
  std::vector<std::string> names;
  const CpuInfo cpu = cpu_info();
  for (const CpuFeature& feature : cpu.features) {
    if (feature.present) names.emplace_back(feature.name);
  }
  return names;
}

std::vector<std::string> tiers() {
  std::vector<std::string> names;
  for (const Isa isa : kAllIsas) {
    if (is_available(isa)) names.emplace_back(isa_name(isa));
  }
  return names;
}

std::pair<double, double> measure(const std::string& isa) {
  const Isa tier = unwrap(choose_isa(isa));
  const py::gil_scoped_release release;
  const DotRates rates = measure_dots(tier, clock_nanoseconds);
  return {rates.best, rates.mean};
}

}  // namespace

void bind_cpu(py::module_& module) {
  module.def("cpu_name", [] { return std::string(cpu_info().name); });
  module.def("cpu_features", features);
  module.def("tiers", tiers);
  module.def("usable_cores", usable_cores);
  module.def("measure_dots", measure, py::arg("isa"),
             "GMAC/s of one core's dot products, register to register: the peak, and the mean.");
  module.def("measure_round_trip", measure_round_trip, py::call_guard<py::gil_scoped_release>(),
             "Nanoseconds for a word to go from a core to another and back.");
}

}  // namespace intaglio::python
