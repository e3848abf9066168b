#include "ops/float_checks.h"

#include "ops/checks.h"
#include "runtime/planner.h"

namespace intaglio {

Status check_dtype(const Node& node, const Tensor& tensor, const char* role, DType dtype) {
  if (tensor.dtype == dtype) return {};
  return node_error(Code::kDType, node, "%s has element type %d, expected %d", role, static_cast<int>(tensor.dtype),
                    static_cast<int>(dtype));
}

Status check_all_float(const Node& node, const Model& model) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    INTAGLIO_TRY(check_dtype(node, model.input(node, i), "an input", DType::kFloat32));
  }
  return check_dtype(node, model.output(node), "output", DType::kFloat32);
}

Result<FloatBounds> read_bounds(const Node& node, const Tensor& tensor) {
  INTAGLIO_TRY(check_constant(node, tensor, "bounds", DType::kFloat32, {2}));
  const FloatBounds bounds = {tensor.values<float>()[0], tensor.values<float>()[1]};
  if (!(bounds.low <= bounds.high)) {
    return node_error(Code::kModelFormat, node, "bounds: expected low <= high, got %g and %g",
                      static_cast<double>(bounds.low), static_cast<double>(bounds.high));
  }
  return bounds;
}

}  // namespace intaglio
