// Matrix products [...,M,K] times [...,K,N] whose leading axes broadcast.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "model/model.h"
#include "runtime/planner.h"

namespace intaglio {

struct MatrixBatch {
  std::int64_t count = 1;                  // matrices of the output
  const std::int64_t* a_matrix = nullptr;  // [count]: which matrix of a
  const std::int64_t* b_matrix = nullptr;
  std::int64_t a_matrices = 1, b_matrices = 1;
  std::int64_t rows = 0, depth = 0, columns = 0;
};

// The shapes of a, b and y fit.
Status check_matrices(const Node& node, const Tensor& a, const Tensor& b, const Tensor& y);

// For shapes that fit and an output with elements.
Result<MatrixBatch> plan_matrices(const Node& node, Planner& planner, const Tensor& a, const Tensor& b,
                                  const Tensor& y);

}  // namespace intaglio
