// Checks that many ops make of their node. Files are untrusted: an op relies on nothing it has not checked.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/status.h"
#include "model/model.h"

namespace intaglio {

// The node has this many inputs, outputs and attribute integers.
Status check_signature(const Node& node, std::size_t inputs, std::size_t outputs, std::size_t attrs);

// The tensor is a constant of the given type and dims.
Status check_constant(const Node& node, const Tensor& tensor, const char* role, DType dtype,
                      std::initializer_list<std::int64_t> dims);

// The tensor holds quantized int8 activations with a zero point in [-128, 127].
Status check_activation(const Node& node, const Tensor& tensor, const char* role);

Status check_rank(const Node& node, const Tensor& tensor, const char* role, std::size_t rank);

// The tensor has these dims.
Status check_dims(const Node& node, const Tensor& tensor, const char* role, std::initializer_list<std::int64_t> dims);

Status check_dims(const Node& node, const Tensor& tensor, const char* role, std::span<const std::int64_t> dims);

// The tensor has the element type, scale and zero point of `other`.
Status check_like(const Node& node, const Tensor& tensor, const char* role, const Tensor& other);

// The clamp attribute is an interval within int8.
Status check_clamp(const Node& node, std::int64_t low, std::int64_t high);

// low <= value <= high.
Status check_between(const Node& node, const char* what, std::int64_t value, std::int64_t low, std::int64_t high);

}  // namespace intaglio
