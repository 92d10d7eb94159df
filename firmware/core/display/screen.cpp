#include "core/display/screen.h"

#include <algorithm>

#include "core/display/canvas.h"

namespace stetho {
namespace {

constexpr std::size_t kTitleColumns = 17;  // of a title and its mark, beside the symbol of the battery

FixedString<Screen::kColumns> fitted(std::string_view text, std::size_t columns) {
    if (text.size() <= columns) return text;
    return FixedString<Screen::kColumns>(text.substr(0, columns - 1)).append('~');
}

}  // namespace

std::size_t columns_of(Style style) {
    switch (style) {
        case Style::kTitle:
            return 16;
        case Style::kBold:
            return Canvas::kWidth / 7;
        case Style::kLarge:
            return Canvas::kWidth / 10;
        default:
            return Screen::kColumns;
    }
}

Style largest_style(std::string_view text, Style most) {
    if (most == Style::kLarge && text.size() <= columns_of(Style::kLarge)) return Style::kLarge;
    return text.size() <= columns_of(Style::kBold) ? Style::kBold : Style::kSmall;
}

Row* Screen::next() { return used_ < kRows ? &rows_[used_++] : nullptr; }

Screen& Screen::add(Style style, std::string_view text) {
    if (Row* row = next()) {
        row->style = style;
        row->text = fitted(text, columns_of(style));
    }
    return *this;
}

Screen& Screen::title(std::string_view text, std::string_view mark) {
    if (Row* row = next()) {
        row->style = Style::kTitle;
        row->mark = mark;
        row->text =
            fitted(text, columns_of(Style::kTitle) - (row->mark.size() > 4 ? row->mark.size() - 4 : 0));
    }
    return *this;
}

Screen& Screen::battery(const std::optional<BatteryLevel>& level) {
    if (rows().empty() || rows_[0].style != Style::kTitle) return *this;
    Row& row = rows_[0];
    row.battery = level;
    if (level) row.text = fitted(row.text, kTitleColumns - row.mark.size());
    return *this;
}

Screen& Screen::box() {
    if (used_ > 0) rows_[used_ - 1].is_boxed = true;
    return *this;
}

Screen& Screen::bar(std::uint32_t done, std::uint32_t total) {
    if (Row* row = next()) {
        row->style = Style::kBar;
        const std::uint64_t permille = total == 0 ? 1'000 : std::uint64_t{done} * 1'000 / total;
        row->permille = static_cast<std::uint16_t>(std::min<std::uint64_t>(permille, 1'000));
    }
    return *this;
}

Screen& Screen::wrap(std::string_view sentence, std::size_t most) {
    for (std::size_t line = 1; line <= most && !sentence.empty(); ++line) {
        std::size_t end = sentence.size();
        if (end > kColumns && line < most) {
            end = sentence.rfind(' ', kColumns);
            if (end == std::string_view::npos || end == 0) end = kColumns;
        }
        add(Style::kSmall, sentence.substr(0, end));
        sentence.remove_prefix(std::min(sentence.size(), sentence.find_first_not_of(' ', end)));
    }
    return *this;
}

bool Screen::contains(std::string_view words) const {
    return std::any_of(rows().begin(), rows().end(),
                       [&](const Row& row) { return row.text.view().find(words) != std::string_view::npos; });
}

}  // namespace stetho
