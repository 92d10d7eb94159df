// Time of day in the format of the protocol, RFC 3339. Any thread.
#pragma once

#include <cstdint>

#include "core/wire/fixed_string.h"

namespace stetho {

// Returns the time in UTC with milliseconds, such as "2026-11-20T17:20:01.123Z". `unix_ms`: milliseconds
// since 1970-01-01T00:00Z; limited to the years 1970 to 9999.
FixedString<24> rfc3339(std::int64_t unix_ms);

}  // namespace stetho
