// Bitmap fonts of fixed width, written by font_generator.py from Debian's xfonts-base (public domain).
#pragma once

#include <cstdint>
#include <span>

namespace stetho {

// Glyphs of the characters 32..126, one after another. Each has `rows` rows, top first; each row is one
// uint16_t with its leftmost pixel in bit `width - 1`.
struct Font {
    std::uint8_t width;  // pixels of a cell
    std::uint8_t rows;   // pixels
    std::span<const std::uint16_t> bits;

    static constexpr char32_t kFirst = 32;
    static constexpr char32_t kLast = 126;

    bool has(char32_t character) const { return character >= kFirst && character <= kLast; }

    // Returns the rows of the glyph of `character`, which the font has.
    std::span<const std::uint16_t> glyph(char32_t character) const {
        return bits.subspan((character - kFirst) * rows, rows);
    }
};

extern const Font kSmallFont;  // 6 × 9: 21 columns, 7 lines
extern const Font kBoldFont;   // 7 × 13: 18 columns
extern const Font kLargeFont;  // 10 × 20: 12 columns

}  // namespace stetho
