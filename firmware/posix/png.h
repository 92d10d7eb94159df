// Pictures of the screen as PNG files, 1 bit grey, without a library; the same picture gives the same bytes
// everywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "core/display/canvas.h"

namespace stetho::posix {

// Encodes `canvas`, each of its pixels `scale` × `scale` (1..8) large; lit pixels are white.
std::vector<std::uint8_t> encode_png(const Canvas& canvas, int scale = 3);

}  // namespace stetho::posix
