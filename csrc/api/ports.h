// How a model describes its inputs and outputs.
#pragma once

#include "api/handles.h"
#include "base/status.h"

namespace intaglio::api {

// Fills in `names` and `ports` of a model whose engine is loaded.
Status describe_ports(intaglio_model& model);

}  // namespace intaglio::api
