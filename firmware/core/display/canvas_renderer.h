// Renderer of a screen as pixels on a canvas. No state: any thread.
#pragma once

#include "core/display/canvas.h"
#include "core/display/screen.h"

namespace stetho {

// Draws `screen` on `canvas`, in place of what is there. What does not fit is not drawn.
void draw(const Screen& screen, Canvas& canvas);

// Draws `screen` in a box in the middle of a pattern that shows every dead row and column: a frame, and a
// chequerboard.
void draw_pattern(const Screen& screen, Canvas& canvas);

}  // namespace stetho
