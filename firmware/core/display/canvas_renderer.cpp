#include "core/display/canvas_renderer.h"

#include <algorithm>

#include "core/display/font.h"

namespace stetho {
namespace {

void write_centred(Canvas& canvas, int y, std::string_view text, const Font& font) {
    const int width = static_cast<int>(text.size()) * font.width;
    canvas.write(std::max(0, (Canvas::kWidth - width) / 2), y, text, font);
}

void draw_title(const Row& row, Canvas& canvas) {
    canvas.fill(0, 0, Canvas::kWidth, 11);
    canvas.write(2, 1, row.text, kSmallFont, Ink::kOff);
    const int width = static_cast<int>(row.mark.size()) * kSmallFont.width;
    canvas.write(Canvas::kWidth - 2 - width, 1, row.mark, kSmallFont, Ink::kOff);
}

void draw_bar(const Row& row, int y, Canvas& canvas) {
    canvas.rectangle(2, y, Canvas::kWidth - 4, 9);
    canvas.fill(4, y + 2, (Canvas::kWidth - 8) * row.permille / 1000, 5);
}

// Draws one row at `y`; returns the y after it.
int draw_row(const Row& row, int y, Canvas& canvas) {
    switch (row.style) {
        case Style::kTitle:
            draw_title(row, canvas);
            return 13;
        case Style::kSmall:
            write_centred(canvas, y, row.text, kSmallFont);
            return y + 10;
        case Style::kBold:
            write_centred(canvas, y, row.text, kBoldFont);
            return y + 14;
        case Style::kLarge:
            write_centred(canvas, y, row.text, kLargeFont);
            return y + 20;
        case Style::kBar:
            draw_bar(row, y, canvas);
            return y + 11;
        case Style::kSpace:
            return y + 4;
        case Style::kFooter:
            write_centred(canvas, Canvas::kHeight - 9, row.text, kSmallFont);
            return y;
    }
    return y;
}

}  // namespace

void draw(const Screen& screen, Canvas& canvas) {
    canvas.clear();
    int y = 0;
    for (const Row& row : screen.rows()) y = draw_row(row, y, canvas);
}

}  // namespace stetho
