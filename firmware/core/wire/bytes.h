// Views of bytes that the caller owns.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho {

static_assert(std::endian::native == std::endian::little, "samples are sent as they lie in memory");

using Bytes = std::span<const std::uint8_t>;
using WritableBytes = std::span<std::uint8_t>;

}  // namespace stetho
