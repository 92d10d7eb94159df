#include "core/display/canvas.h"

#include <doctest/doctest.h>

#include <string>

#include "core/display/font.h"

using namespace stetho;

namespace {

int lit(const Canvas& canvas) {
    int count = 0;
    for (int y = 0; y < Canvas::kHeight; ++y) {
        for (int x = 0; x < Canvas::kWidth; ++x) count += canvas.get(x, y) ? 1 : 0;
    }
    return count;
}

}  // namespace

TEST_CASE("a pixel is a bit of its page, least significant on top") {
    Canvas canvas;
    canvas.set(5, 0);
    canvas.set(5, 9);
    CHECK(canvas.page(0)[5] == 0x01);
    CHECK(canvas.page(1)[5] == 0x02);
    canvas.set(5, 9, Ink::kInvert);
    CHECK(canvas.page(1)[5] == 0);
    canvas.set(5, 0, Ink::kOff);
    CHECK(lit(canvas) == 0);
}

TEST_CASE("what lies outside is not drawn, wherever it is") {
    Canvas canvas;
    for (const int x : {-1'000'000, -1, 128, 1'000'000}) canvas.set(x, 10);
    for (const int y : {-1'000'000, -1, 64, 1'000'000}) canvas.set(10, y);
    CHECK(lit(canvas) == 0);
    CHECK_FALSE(canvas.get(-1, 0));
    CHECK_FALSE(canvas.get(0, 64));
    canvas.fill(-10, -10, 20, 20);
    CHECK(lit(canvas) == 100);
    canvas.clear();
    canvas.write(120, 60, "cut off at two edges", kLargeFont);
    CHECK(lit(canvas) < 8 * 4);
}

TEST_CASE("a frame is one pixel wide, inside its box") {
    Canvas canvas;
    canvas.rectangle(10, 10, 20, 8);
    CHECK(lit(canvas) == 2 * 20 + 2 * 6);
    CHECK(canvas.get(10, 10));
    CHECK(canvas.get(29, 17));
    CHECK_FALSE(canvas.get(30, 17));
    CHECK_FALSE(canvas.get(11, 11));
}

TEST_CASE("every character of every font is there, in its cell, and unlike the others") {
    for (const Font* font : {&kSmallFont, &kBoldFont, &kLargeFont}) {
        CHECK(font->bits.size() == 95U * font->rows);
        for (char32_t character = Font::kFirst; character <= Font::kLast; ++character) {
            bool is_empty = true;
            for (const std::uint16_t row : font->glyph(character)) {
                CHECK((row >> font->width) == 0);
                is_empty = is_empty && row == 0;
            }
            CHECK(is_empty == (character == U' '));
            for (char32_t other = Font::kFirst; other < character; ++other) {
                const auto left = font->glyph(character);
                const auto right = font->glyph(other);
                CHECK_FALSE(std::equal(left.begin(), left.end(), right.begin()));
            }
        }
    }
}

TEST_CASE("text runs to the right; what the font lacks is one box a character, whatever the bytes") {
    Canvas canvas;
    CHECK(canvas.write(0, 0, "AB", kSmallFont) == 12);
    Canvas box;
    CHECK(box.write(0, 0, "\xC3\xA4", kSmallFont) == 6);  // one letter of two bytes
    Canvas same;
    same.write(0, 0, "\xE2\x80\xA6", kSmallFont);  // one of three
    CHECK(box == same);
    CHECK(lit(box) > 0);
    for (int first = 0; first < 256; ++first) {  // no sequence of bytes does any harm
        for (int second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            Canvas any;
            CHECK(any.write(0, 0, text, kSmallFont) <= 12);
        }
    }
}
