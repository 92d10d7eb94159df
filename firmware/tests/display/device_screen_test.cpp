#include "core/display/device_screen.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/screen_examples.h"
#include "tests/screen_fit.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("no screen is too high, and none runs into its footer") {
    for (const auto& [name, screen] : screen_examples()) {
        CAPTURE(name);
        CHECK(is_low_enough(screen));
        CHECK(screen.rows().size() <= Screen::kRows);
        CHECK(screen.rows()[0].style == Style::kTitle);
    }
}

TEST_CASE("every text fits into its row; what was too long ends in a mark") {
    for (const auto& [name, screen] : screen_examples()) {
        CAPTURE(name);
        for (const Row& row : screen.rows()) {
            CHECK_FALSE(row.text.is_cut());
            CHECK(row.text.size() <= (row.style == Style::kLarge  ? 12U
                                      : row.style == Style::kBold ? 18U
                                                                  : 21U));
        }
    }
    const std::string id(32, 'x');
    CHECK(ready_screen({.device_id = id}).rows()[0].text == "xxxxxxxxxxxxxxx~");
    CHECK(ready_screen({.device_id = id, .unsent = 12}).battery(BatteryLevel{}).rows()[0].text == "xxxxxxxxxxxxx~");
    CHECK(identify_screen(id).rows()[2].text == "xxxxxxxxxxxxxxxxxxxx~");
}

TEST_CASE("a microphone that is silent or stuck is told before and while recording") {
    CHECK(ready_screen(ready_status(true, 0, MicrophoneState::kSilent)).contains("microphone silent"));
    CHECK(ready_screen(ready_status(false, 0, MicrophoneState::kStuck)).contains("microphone stuck"));
    RecordingStatus status = recording_status("HR 72 good", 72);
    status.microphone = MicrophoneState::kSilent;
    CHECK(recording_screen(status).contains("microphone silent"));
    status.microphone = MicrophoneState::kTooLoud;
    CHECK(recording_screen(status).contains("too loud"));
}

TEST_CASE("times are as short as their place") {
    RecordingStatus status = recording_status("", std::nullopt);
    status.total_ms = 0;
    const auto mark_at = [&](std::uint32_t elapsed_ms) {
        status.elapsed_ms = elapsed_ms;
        return std::string(recording_screen(status).rows()[0].mark.view());
    };
    CHECK(mark_at(0) == "0.0 s");
    CHECK(mark_at(59'999) == "59.9 s");
    CHECK(mark_at(60'000) == "60 s");
    CHECK(mark_at(999'999) == "999 s");
    CHECK(mark_at(1'000'000) == "16min");
    CHECK(mark_at(43'200'000) == "720min");
}
