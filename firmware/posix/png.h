// Encoder of pictures of the screen as PNG, 1 bit grey, without a library; the same picture always gives the
// same bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/display/canvas.h"

namespace stetho::posix {

// Returns `canvas` as PNG, each pixel `scale` × `scale` (1..8) large; lit pixels are white.
std::vector<std::uint8_t> encode_png(const Canvas& canvas, int scale = 3);

}  // namespace stetho::posix
