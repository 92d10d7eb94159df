// Measures of a screen for tests: whether a text is cut, and how high its rows are together.
#pragma once

#include <string>

#include "core/display/screen.h"

namespace stetho::test {

// Returns the first text that its row cuts; "" if none is.
inline std::string cut_text(const Screen& screen) {
    for (const Row& row : screen.rows()) {
        if (row.text.is_cut() || row.text.view().ends_with('~')) return std::string(row.text.view());
        if (row.mark.is_cut()) return std::string(row.mark.view());
    }
    return "";
}

// Returns the height of a row, in pixels.
inline int height_of(Style style) {
    switch (style) {
        case Style::kTitle:
            return 13;
        case Style::kSmall:
            return 10;
        case Style::kBold:
            return 14;
        case Style::kLarge:
            return 20;
        case Style::kBar:
            return 11;
        case Style::kSpace:
            return 4;
        case Style::kFooter:
            return 0;
    }
    return 0;
}

// Returns whether the rows end above the footer, if there is one, and above the display's edge.
inline bool is_low_enough(const Screen& screen) {
    int height = 0;
    bool has_footer = false;
    for (const Row& row : screen.rows()) {
        height += height_of(row.style);
        has_footer = has_footer || (row.style == Style::kFooter && !row.text.empty());
    }
    return height <= (has_footer ? 56 : 66);
}

}  // namespace stetho::test
