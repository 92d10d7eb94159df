#include "core/display/frame.h"

#include <doctest/doctest.h>

using stetho::frame_edge;
using stetho::frame_line;
using stetho::reads_same;
using stetho::Row;
using stetho::Screen;
using stetho::Style;

TEST_CASE("a screen as text: title and mark at the sides, words in the middle, bars as blocks") {
    CHECK(frame_edge(true).view() == "┌───────────────────────┐");
    CHECK(frame_edge(false).view() == "└───────────────────────┘");
    CHECK(frame_line({Style::kTitle, "READY", "off", 0}).view() == "│ READY             off │");
    CHECK(frame_line({Style::kSmall, "hold still", "", 0}).view() == "│      hold still       │");
    CHECK(frame_line({Style::kBar, "", "", 500}).view() == "│ ███████████░░░░░░░░░░ │");
    CHECK(frame_line({Style::kBar, "", "", 1000}).view() == "│ █████████████████████ │");
    CHECK(frame_line({Style::kLarge, "größer", "", 0}).view() == "│        größer         │");
}

TEST_CASE("two screens read the same when their words and the blocks of their bars are the same") {
    Screen one;
    one.title("RECORDING").bar(100, 1000).add(Style::kSmall, "hold still");
    Screen other;
    other.title("RECORDING").bar(101, 1000).add(Style::kSmall, "hold still");
    Screen longer = other;
    longer.add(Style::kSmall, "x");
    Screen further;
    further.title("RECORDING").bar(300, 1000).add(Style::kSmall, "hold still");
    CHECK(reads_same(one, other));
    CHECK_FALSE(reads_same(one, longer));
    CHECK_FALSE(reads_same(one, further));
}
