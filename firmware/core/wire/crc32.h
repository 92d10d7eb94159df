// CRC-32 as zlib computes it (polynomial 0xEDB88320, reflected): the checksum of a chunk. Any thread.
#pragma once

#include <cstdint>

#include "core/wire/bytes.h"

namespace stetho {

// Returns the CRC of `bytes`. To continue over more bytes, pass the CRC so far as `crc`.
std::uint32_t crc32(Bytes bytes, std::uint32_t crc = 0);

}  // namespace stetho
