// Reader of the date from which a certificate is valid: the clock of a device is not before that of its CA.
// No state: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stetho {

// Returns when the first certificate of `pem` becomes valid, seconds since 1970-01-01T00:00:00Z; nothing if
// that is no certificate.
std::optional<std::int64_t> valid_from(std::string_view pem);

}  // namespace stetho
