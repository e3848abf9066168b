// How many bytes of activations a model keeps at once (docs/format.md, "Peak").
#pragma once

#include <cstdint>

#include "base/memory.h"
#include "base/status.h"
#include "model/model.h"

namespace intaglio {

Result<std::uint64_t> peak_activation_bytes(const Model& model, Allocator& allocator);

}  // namespace intaglio
