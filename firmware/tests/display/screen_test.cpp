#include "core/display/screen.h"

#include <doctest/doctest.h>

#include <string>

#include "core/display/canvas_renderer.h"

using namespace stetho;

TEST_CASE("bars never leave their frame") {
    CHECK(Screen().bar(0, 0).rows()[0].permille == 1'000);
    CHECK(Screen().bar(5, 4).rows()[0].permille == 1'000);
    CHECK(Screen().bar(4'000'000'000, 4'000'000'000).rows()[0].permille == 1'000);
    CHECK(Screen().bar(1, 2).rows()[0].permille == 500);
}

TEST_CASE("a sentence breaks between words, and the last line says when there was more") {
    Screen screen;
    screen.wrap("no heartbeat found: move the chestpiece", 3);
    REQUIRE(screen.rows().size() == 2);
    CHECK(screen.rows()[0].text == "no heartbeat found:");
    CHECK(screen.rows()[1].text == "move the chestpiece");
    Screen cut;
    cut.wrap("one two three four five six seven eight nine ten", 2);
    CHECK(cut.rows()[1].text == "five six seven eight~");
    Screen solid;
    solid.wrap(std::string(50, 'x'), 3);
    CHECK(solid.rows().size() == 3);
}

TEST_CASE("more rows than there is room for are left out") {
    Screen screen;
    for (int row = 0; row < 100; ++row) screen.add(Style::kSmall, "row");
    CHECK(screen.rows().size() == Screen::kRows);
    Canvas canvas;
    draw(screen, canvas);
}

TEST_CASE("the pattern of the factory test has light and dark in every row and column, and its words") {
    Canvas canvas;
    draw_pattern(Screen().title("TEST").add(Style::kBold, "display"), canvas);
    for (int y = 1; y < Canvas::kHeight - 1; ++y) {
        int lit = 0;
        for (int x = 0; x < Canvas::kWidth; ++x) lit += canvas.get(x, y) ? 1 : 0;
        CHECK(lit > 4);
        CHECK(lit < Canvas::kWidth - 4);
    }
    for (int x = 1; x < Canvas::kWidth - 1; ++x) {
        int lit = 0;
        for (int y = 0; y < Canvas::kHeight; ++y) lit += canvas.get(x, y) ? 1 : 0;
        CHECK(lit > 4);
        CHECK(lit < Canvas::kHeight - 4);
    }
    Canvas other;
    draw_pattern(Screen().title("TEST").add(Style::kBold, "button"), other);
    CHECK_FALSE(canvas == other);
}
