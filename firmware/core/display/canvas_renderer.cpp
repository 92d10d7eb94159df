#include "core/display/canvas_renderer.h"

#include <algorithm>

#include "core/display/font.h"

namespace stetho {
namespace {

void write_centred(Canvas& canvas, int y, std::string_view text, const Font& font) {
    const int width = static_cast<int>(text.size()) * font.width;
    canvas.write(std::max(0, (Canvas::kWidth - width) / 2), y, text, font);
}

// Draws a battery, dark on light, 14 pixels wide, that ends at `right`: an outline with a cap, filled by its
// level; while it is charged, which says little of its level, with a plus in its middle.
void draw_battery(const BatteryLevel& level, int right, Canvas& canvas) {
    const int left = right - 14;
    canvas.fill(left, 2, 12, 7, Ink::kOff);
    canvas.fill(left + 12, 4, 2, 3, Ink::kOff);
    canvas.fill(left + 1, 3, 10, 5, Ink::kOn);
    if (level.charging != hal::Charging::kYes) {
        canvas.fill(left + 2, 4, (level.percent * 8 + 50) / 100, 3, Ink::kOff);
        return;
    }
    canvas.fill(left + 3, 5, 6, 1, Ink::kOff);
    canvas.fill(left + 5, 3, 2, 5, Ink::kOff);
}

void draw_title(const Row& row, Canvas& canvas) {
    canvas.fill(0, 0, Canvas::kWidth, 11);
    int right = Canvas::kWidth - 2;
    if (row.battery) {
        draw_battery(*row.battery, right, canvas);
        right -= 3 * kSmallFont.width;
    }
    right -= static_cast<int>(row.mark.size()) * kSmallFont.width;
    canvas.write(right, 1, row.mark, kSmallFont, Ink::kOff);
    const auto columns = static_cast<std::size_t>((right - 2) / kSmallFont.width);
    canvas.write(2, 1, row.text.view().substr(0, columns), kSmallFont, Ink::kOff);
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
    for (const Row& row : screen.rows()) {
        const int top = y;
        y = draw_row(row, y, canvas);
        if (row.is_boxed) canvas.rectangle(0, top - 1, Canvas::kWidth, y - top + 1);
    }
}

void draw_pattern(const Screen& screen, Canvas& canvas) {
    constexpr int kSquare = 4;
    constexpr int kMargin = 16;
    canvas.clear();
    for (int y = 0; y < Canvas::kHeight; y += kSquare) {
        for (int x = y % (2 * kSquare); x < Canvas::kWidth; x += 2 * kSquare)
            canvas.fill(x, y, kSquare, kSquare);
    }
    canvas.rectangle(0, 0, Canvas::kWidth, Canvas::kHeight);
    canvas.fill(kMargin / 2, kMargin, Canvas::kWidth - kMargin, Canvas::kHeight - 2 * kMargin, Ink::kOff);
    int y = kMargin;
    for (const Row& row : screen.rows()) {
        if (row.style != Style::kTitle) y = draw_row(row, y, canvas);
    }
}

}  // namespace stetho
