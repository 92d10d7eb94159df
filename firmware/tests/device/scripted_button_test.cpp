#include "posix/scripted_button.h"

#include <doctest/doctest.h>

#include "core/device/debouncer.h"

using namespace stetho;

namespace {

struct Told {
    int shorts = 0;
    int longs = 0;
};

// Runs turns of a program that gets the processor each `turn_ms`; counts what the debouncer tells.
Told run(posix::ScriptedButton& button, std::uint64_t turn_ms) {
    Debouncer debouncer;
    Told told;
    bool is_down = false;
    for (std::uint64_t now = 0; now < 40 * turn_ms + 20'000; now += turn_ms) {
        const auto count = [&told](ButtonPress press) {
            told.shorts += press == ButtonPress::kShort ? 1 : 0;
            told.longs += press == ButtonPress::kLong ? 1 : 0;
        };
        if (const auto change = button.change(now)) count(debouncer.update(is_down = *change, now));
        count(debouncer.update(is_down, now));
        button.seen(now);
    }
    return told;
}

}  // namespace

TEST_CASE("a scripted press is a short press and a hold a long one, however slow the machine is") {
    for (const std::uint64_t turn_ms : {1U, 10U, 40U, 170U, 900U, 2'900U, 4'000U, 30'000U}) {
        CAPTURE(turn_ms);
        posix::ScriptedButton button;
        for (int number = 0; number < 3; ++number) button.press(0, 0);
        button.press(0, 3'500);
        const Told told = run(button, turn_ms);
        CHECK(told.shorts == 3);
        CHECK(told.longs == 1);
    }
}

TEST_CASE("a press waits for its time") {
    posix::ScriptedButton button;
    button.press(5'000, 0);
    CHECK_FALSE(button.change(4'999));
    CHECK(button.change(5'001) == true);
    CHECK_FALSE(button.change(9'000));
    button.seen(5'010);
    CHECK_FALSE(button.change(9'000));
    button.seen(9'000);
    CHECK(button.change(9'001) == false);
}
