#include "core/display/text_renderer.h"

#include <doctest/doctest.h>

using stetho::BatteryLevel;
using stetho::has_same_text;
namespace hal = stetho::hal;
using stetho::Row;
using stetho::Screen;
using stetho::Style;
using stetho::text_border;
using stetho::text_row;

TEST_CASE("a screen as text: title and mark at the sides, words in the middle, bars as blocks") {
    CHECK(text_border(true).view() == "┌───────────────────────┐");
    CHECK(text_border(false).view() == "└───────────────────────┘");
    CHECK(text_row({Style::kTitle, "READY", "off", 0}).view() == "│ READY             off │");
    CHECK(text_row({Style::kTitle, "READY", "+2", 0, false, BatteryLevel{78, 3'990, hal::Charging::kNo}}).view() ==
          "│ READY          +2 78% │");
    CHECK(text_row({Style::kTitle, "a-rather-long-id", "+12", 0, false, BatteryLevel{100, 4'200, hal::Charging::kYes}})
              .view() == "│ a-rather-lon+12 100%+ │");
    CHECK(text_row({Style::kSmall, "hold still", "", 0}).view() == "│      hold still       │");
    CHECK(text_row({Style::kBar, "", "", 500}).view() == "│ ███████████░░░░░░░░░░ │");
    CHECK(text_row({Style::kBar, "", "", 1000}).view() == "│ █████████████████████ │");
    CHECK(text_row({Style::kLarge, "größer", "", 0}).view() == "│        größer         │");
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
    CHECK(has_same_text(one, other));
    Screen charged = one;
    charged.battery(BatteryLevel{50, 3'840, hal::Charging::kNo});
    CHECK_FALSE(has_same_text(one, charged));
    CHECK_FALSE(has_same_text(one, longer));
    CHECK_FALSE(has_same_text(one, further));
}
