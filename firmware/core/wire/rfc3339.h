// Time of day as the protocol writes it.
#pragma once

#include <cstdint>

#include "core/wire/fixed_string.h"

namespace stetho {

// Returns RFC 3339 in UTC with milliseconds, such as "2026-11-20T17:20:01.123Z".
// `unix_ms`: milliseconds since 1970-01-01T00:00Z; years 1970 to 9999, others are cut to these.
FixedString<24> rfc3339(std::int64_t unix_ms);

}  // namespace stetho
