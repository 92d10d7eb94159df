// Screen as rows of text, before it is drawn as pixels (core/display/canvas_renderer.h) or as lines of a
// terminal (core/display/text_renderer.h), so that a test can look for its words. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/signal/battery_gauge.h"
#include "core/wire/fixed_string.h"

namespace stetho {

enum class Style : std::uint8_t {
    kTitle,   // dark on light, at the top; 16 characters less what the mark on the right takes over 4
    kSmall,   // 21 characters
    kBold,    // 18 characters
    kLarge,   // 12 characters
    kBar,     // `permille` of the width is full
    kSpace,   // 4 pixels
    kFooter,  // small, at the bottom
};

// Returns the number of characters that a row of `style` holds.
std::size_t columns_of(Style style);

// Returns the largest style, `most` or smaller, of whose row `text` is not cut: kLarge, kBold, or kSmall, which may be.
Style largest_style(std::string_view text, Style most);

struct Row {
    Style style = Style::kSmall;
    FixedString<21> text;
    FixedString<6> mark;         // of a title: right aligned, such as the time or the recordings that wait
    std::uint16_t permille = 0;  // of a bar
    bool is_boxed = false;       // in a frame
    std::optional<BatteryLevel> battery = {};  // of a title: a symbol that takes the place of 3 characters
};

class Screen {
  public:
    static constexpr std::size_t kRows = 10;
    static constexpr std::size_t kColumns = 21;  // of a small row

    // Adds a row. A text that is too long for its row is cut and ends in '~'; rows after the last one that
    // fits are left out.
    Screen& add(Style style, std::string_view text);
    Screen& title(std::string_view text, std::string_view mark = {});
    // Adds the symbol of the battery to the title; nothing: none.
    Screen& battery(const std::optional<BatteryLevel>& level);
    // Draws a frame around the row that was added last.
    Screen& box();
    Screen& bar(std::uint32_t done, std::uint32_t total);
    // Adds a sentence as at most `most` small rows, broken between words.
    Screen& wrap(std::string_view sentence, std::size_t most);

    std::span<const Row> rows() const { return {rows_.data(), used_}; }
    // Returns whether a row contains `words`.
    bool contains(std::string_view words) const;

  private:
    Row* next();

    std::array<Row, kRows> rows_{};
    std::size_t used_ = 0;
};

}  // namespace stetho
