// Renderer of a screen as lines of text in a border, for terminals and serial consoles. No state: any thread.
#pragma once

#include <string_view>

#include "core/display/screen.h"
#include "core/wire/fixed_string.h"

namespace stetho {

using TextLine = FixedString<160>;  // UTF-8

// Returns the line above the rows (`top`) or below them.
TextLine text_border(bool top);

// Returns one row between the sides of the border, 21 columns wide: a title on the left and its mark on the
// right, a bar as blocks, everything else centred, as on the display.
TextLine text_row(const Row& row);

// Returns whether two screens have the same rows, texts and marks. Bars are compared by block.
bool has_same_text(const Screen& left, const Screen& right);

}  // namespace stetho
