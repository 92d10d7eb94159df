// A screen as lines of text in a frame, for terminals and serial consoles.
#pragma once

#include <string_view>

#include "core/display/screen.h"
#include "core/wire/fixed_string.h"

namespace stetho {

using TextLine = FixedString<160>;  // UTF-8

// The line above and below, `top` or not.
TextLine text_border(bool top);

// One row between the sides of the frame, 21 columns wide: a title left and its mark right, a bar as blocks,
// everything else in the middle, as on the display.
TextLine text_row(const Row& row);

// Whether two screens read the same to a person: rows, texts and marks. Bars are told apart by block.
bool has_same_text(const Screen& left, const Screen& right);

}  // namespace stetho
