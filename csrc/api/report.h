// From the engine's Status to what the C API returns.
#pragma once

#include "base/status.h"
#include "intaglio/intaglio.h"

namespace intaglio::api {

// The status as a number, and its message in `error` where there is one.
intaglio_status report(intaglio_error* error, const Status& status);

}  // namespace intaglio::api
