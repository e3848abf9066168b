// What the library says of itself.
#include "cpu/isa.h"
#include "intaglio/intaglio.h"

const char* intaglio_version(void) noexcept { return INTAGLIO_VERSION; }

int32_t intaglio_api_version(void) noexcept { return INTAGLIO_API_VERSION; }

const char* intaglio_tier(size_t index) noexcept {
  for (const intaglio::Isa isa : intaglio::kAllIsas) {
    if (intaglio::is_available(isa) && index-- == 0) return intaglio::isa_name(isa);
  }
  return nullptr;
}
