#include "core/display/canvas.h"

#include "core/display/font.h"

namespace stetho {
namespace {

constexpr char32_t kBroken = 0xFFFD;

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Removes one character from the front of `text`: ASCII, or kBroken for anything else, one for each complete
// sequence of bytes. The fonts have no other characters, so these need not be told apart.
char32_t take_character(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    if (lead < 0x80) return lead;
    while (!text.empty() && continues(text.front())) text.remove_prefix(1);
    return kBroken;
}

}  // namespace

void Canvas::set(int x, int y, Ink ink) {
    if (x < 0 || x >= kWidth || y < 0 || y >= kHeight) return;
    std::uint8_t& byte = bytes_[static_cast<std::size_t>(y / 8 * kWidth + x)];
    const auto bit = static_cast<std::uint8_t>(1U << (y % 8));
    switch (ink) {
        case Ink::kOff:
            byte = static_cast<std::uint8_t>(byte & ~bit);
            break;
        case Ink::kOn:
            byte |= bit;
            break;
        case Ink::kInvert:
            byte ^= bit;
            break;
    }
}

bool Canvas::get(int x, int y) const {
    if (x < 0 || x >= kWidth || y < 0 || y >= kHeight) return false;
    return (bytes_[static_cast<std::size_t>(y / 8 * kWidth + x)] >> (y % 8) & 1) != 0;
}

void Canvas::fill(int x, int y, int width, int height, Ink ink) {
    for (int row = y; row < y + height; ++row) {
        for (int column = x; column < x + width; ++column) set(column, row, ink);
    }
}

void Canvas::rectangle(int x, int y, int width, int height) {
    fill(x, y, width, 1);
    fill(x, y + height - 1, width, 1);
    fill(x, y, 1, height);
    fill(x + width - 1, y, 1, height);
}

int Canvas::write(int x, int y, std::string_view text, const Font& font, Ink ink) {
    while (!text.empty()) {
        const char32_t character = take_character(text);
        if (font.has(character)) {
            const auto glyph = font.glyph(character);
            for (int row = 0; row < font.rows; ++row) {
                for (int column = 0; column < font.width; ++column) {
                    const int bits = glyph[static_cast<std::size_t>(row)];
                    if ((bits >> (font.width - 1 - column) & 1) != 0) set(x + column, y + row, ink);
                }
            }
        } else {
            fill(x + 1, y + 1, font.width - 2, 1, ink);
            fill(x + 1, y + font.rows - 2, font.width - 2, 1, ink);
            fill(x + 1, y + 2, 1, font.rows - 4, ink);
            fill(x + font.width - 2, y + 2, 1, font.rows - 4, ink);
        }
        x += font.width;
    }
    return x;
}

}  // namespace stetho
