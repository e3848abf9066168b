// Real numbers to a port's values and back.
#include <cstdint>

#include "api/report.h"
#include "base/float_environment.h"
#include "runtime/ports.h"

namespace intaglio::api {
namespace {

Status check(const intaglio_port* port, const void* values, const float* reals, std::size_t count) {
  if (port == nullptr) return Status::error(Code::kInvalidArgument, "the port is NULL");
  if (port->quantized != 1 || (port->dtype != INTAGLIO_INT8 && port->dtype != INTAGLIO_UINT8)) {
    return Status::error(Code::kInvalidArgument, "'%s' is not quantized: its values are the real numbers", port->name);
  }
  if (count > 0 && (values == nullptr || reals == nullptr)) {
    return Status::error(Code::kInvalidArgument, "'%s': an array is NULL", port->name);
  }
  if (reinterpret_cast<std::uintptr_t>(reals) % alignof(float) != 0) {
    return Status::error(Code::kMisaligned, "'%s': real numbers must begin at a multiple of %zu, got %p", port->name,
                         alignof(float), static_cast<const void*>(reals));
  }
  return {};
}

// The engine counts in int8; the caller of a uint8 port sees values and zero point higher by this.
std::int32_t shift_of(const intaglio_port& port) { return port.dtype == INTAGLIO_UINT8 ? kStorageOffset : 0; }

}  // namespace
}  // namespace intaglio::api

using namespace intaglio;
using namespace intaglio::api;

intaglio_status intaglio_quantize(const intaglio_port* port, const float* reals, size_t count, void* values,
                                  intaglio_error* error) noexcept {
  const Status status = check(port, values, reals, count);
  if (!status.ok()) return report(error, status);
  const FloatEnvironment environment;
  const std::size_t numbers =
      quantize(reals, count, port->scale, port->zero_point - shift_of(*port), static_cast<DType>(port->dtype), values);
  if (numbers == count) return report(error, {});
  return report(error, Status::error(Code::kInput, "'%s': number %zu is NaN", port->name, numbers));
}

intaglio_status intaglio_dequantize(const intaglio_port* port, const void* values, size_t count, float* reals,
                                    intaglio_error* error) noexcept {
  const Status status = check(port, values, reals, count);
  if (!status.ok()) return report(error, status);
  const FloatEnvironment environment;
  dequantize(values, count, port->scale, port->zero_point - shift_of(*port), static_cast<DType>(port->dtype), reals);
  return report(error, {});
}
