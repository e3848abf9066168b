// The options of an opening model, checked.
#pragma once

#include "base/status.h"
#include "intaglio/intaglio.h"

namespace intaglio::api {

// Those given, or the defaults; the allocator is never NULL.
Result<intaglio_options> read_options(const intaglio_options* given);

// Whether memory comes from the system, for the caller gave no functions.
bool takes_from_system(const intaglio_allocator& functions);

}  // namespace intaglio::api
