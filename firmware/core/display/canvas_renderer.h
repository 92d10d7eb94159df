// Draws a screen on a canvas: rows of text and bars as pixels.
#pragma once

#include "core/display/canvas.h"
#include "core/display/screen.h"

namespace stetho {

// Replaces what is on `canvas` by `screen`. What does not fit is not drawn.
void draw(const Screen& screen, Canvas& canvas);

}  // namespace stetho
