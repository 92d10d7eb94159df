#include "core/device/debouncer.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace stetho;

namespace {

// Passes `level` every millisecond in [from, to) and counts the presses.
struct Told {
    int shorts = 0;
    int longs = 0;
};

template <class Level>
Told play(Debouncer& button, std::uint64_t from_ms, std::uint64_t to_ms, Level level) {
    Told told;
    for (std::uint64_t now = from_ms; now < to_ms; ++now) {
        const ButtonPress press = button.update(level(now), now);
        told.shorts += press == ButtonPress::kShort ? 1 : 0;
        told.longs += press == ButtonPress::kLong ? 1 : 0;
    }
    return told;
}

}  // namespace

TEST_CASE("a push is told when it is let go") {
    Debouncer button;
    CHECK(play(button, 0, 200, [](auto) { return true; }).shorts == 0);
    CHECK(button.is_down());
    const Told told = play(button, 200, 400, [](auto) { return false; });
    CHECK(told.shorts == 1);
    CHECK(told.longs == 0);
    CHECK_FALSE(button.is_down());
}

TEST_CASE("bounce at both edges is one push") {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        Debouncer button;
        const auto bouncing = [&](auto now) {
            if (now < 20 || (now >= 300 && now < 320)) return random() % 2 == 0;
            return now < 300;
        };
        const Told told = play(button, 0, 600, bouncing);
        CHECK(told.shorts == 1);
        CHECK(told.longs == 0);
    }
}

TEST_CASE("a spike that is shorter than the bounce is nothing") {
    Debouncer button(25);
    const Told told = play(button, 0, 1'000, [](auto now) { return now % 100 < 20; });
    CHECK(told.shorts == 0);
    CHECK(told.longs == 0);
}

TEST_CASE("a long push is told once, while it is held, and its end is nothing") {
    Debouncer button;
    const Told held = play(button, 0, 10'000, [](auto) { return true; });
    CHECK(held.longs == 1);
    CHECK(held.shorts == 0);
    const Told after = play(button, 10'000, 10'100, [](auto) { return false; });
    CHECK(after.shorts == 0);
    CHECK(after.longs == 0);
    play(button, 10'100, 10'200, [](auto) { return true; });
    CHECK(play(button, 10'200, 10'300, [](auto) { return false; }).shorts == 1);
}

TEST_CASE("a button that is stuck down at the start is one long push, not many") {
    Debouncer button;
    CHECK(play(button, 0, 100'000, [](auto) { return true; }).longs == 1);
}
