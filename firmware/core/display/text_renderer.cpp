#include "core/display/text_renderer.h"

#include <algorithm>

namespace stetho {
namespace {

constexpr std::size_t kColumns = Screen::kColumns;

// Returns the number of UTF-8 characters: the bytes that do not continue one.
std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

void repeat(TextLine& line, std::string_view what, std::size_t times) {
    for (std::size_t count = 0; count < times; ++count) line.append(what);
}

// Returns what stands at the right of a title: its mark, and the battery as a number.
FixedString<12> right_of(const Row& row) {
    FixedString<12> text(row.mark.view());
    if (row.battery)
        text.append(' ').append_number(row.battery->percent).append(row.battery->charging == hal::Charging::kYes ? "%+" : "%");
    return text;
}

std::size_t full_blocks(const Row& row) { return (row.permille * kColumns + 500U) / 1000U; }

}  // namespace

TextLine text_border(bool top) {
    TextLine line;
    line.append(top ? "┌" : "└");
    repeat(line, "─", kColumns + 2);
    line.append(top ? "┐" : "┘");
    return line;
}

TextLine text_row(const Row& row) {
    TextLine line("│ ");
    if (row.style == Style::kBar) {
        const std::size_t full = std::min(full_blocks(row), kColumns);
        repeat(line, "█", full);
        repeat(line, "░", kColumns - full);
        return line.append(" │");
    }
    const FixedString<12> right = right_of(row);
    const bool fits = columns_of(row.text) + columns_of(right) <= kColumns;
    const std::string_view text = fits ? row.text.view() : row.text.view().substr(0, kColumns - right.size());
    const std::size_t used = columns_of(text) + columns_of(right);
    const std::size_t left = row.style == Style::kTitle ? 0 : (kColumns - used) / 2;
    const bool has_brackets = row.is_boxed && left > 0 && kColumns - used - left > 0;
    repeat(line, " ", left - (has_brackets ? 1 : 0));
    line.append(has_brackets ? "[" : "").append(text).append(has_brackets ? "]" : "");
    repeat(line, " ", kColumns - used - left - (has_brackets ? 1 : 0));
    return line.append(right).append(" │");
}

bool has_same_text(const Screen& left, const Screen& right) {
    return std::equal(left.rows().begin(), left.rows().end(), right.rows().begin(), right.rows().end(),
                      [](const Row& one, const Row& other) {
                          return one.style == other.style && one.text == other.text &&
                                 one.mark == other.mark && one.is_boxed == other.is_boxed &&
                                 one.battery == other.battery && full_blocks(one) == full_blocks(other);
                      });
}

}  // namespace stetho
