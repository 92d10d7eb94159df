// Every text that the firmware itself has for the display, in each state that shows one, against the width of its row.
#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/device/factory_test.h"
#include "core/display/device_screen.h"
#include "core/storage/settings.h"
#include "tests/screen_examples.h"
#include "tests/screen_fit.h"

using namespace stetho;
using namespace stetho::test;

namespace {

constexpr auto kMicrophones = {MicrophoneState::kOk, MicrophoneState::kSilent, MicrophoneState::kStuck,
                               MicrophoneState::kTooLoud, MicrophoneState::kLoose};
constexpr auto kBatteries = {BatteryState::kOk, BatteryState::kLow, BatteryState::kEmpty};
constexpr auto kLosses = {hal::ConnectionLoss::kUnreachable, hal::ConnectionLoss::kRefused,
                          hal::ConnectionLoss::kUntrusted,   hal::ConnectionLoss::kOutOfDate,
                          hal::ConnectionLoss::kNotFound,    hal::ConnectionLoss::kDeaf};
constexpr int kProblems = static_cast<int>(Problem::kBatteryLow) + 1;
constexpr std::string_view kId = "st-0123456789";  // leaves room for a mark and the battery

// Checks a screen with and without a battery.
void check_fits(Screen screen) {
    const std::string title(screen.rows()[0].text.view());
    CAPTURE(title);
    CHECK(cut_text(screen) == "");
    CHECK(is_low_enough(screen));
    screen.battery(BatteryLevel{});
    CHECK(cut_text(screen) == "");
}

// Returns what the device may say of a form that is wrong: each setting's name, and that one has none.
std::vector<std::string> refusals() {
    Settings settings;
    std::vector<std::string> all{std::string(set(settings, "colour", "blue")->rule), "wifi_pick"};
    std::array<char, 4'096> memory{};
    std::string_view lines(memory.data(), write_lines(settings, memory));
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(line.size() + 1);
        if (!lines.empty()) all.emplace_back(line.substr(0, line.find('=')));  // the last one is a checksum
    }
    return all;
}

}  // namespace

TEST_CASE("no text is cut: settings") {
    check_fits(boot_screen("stetho 10.20.30"));
    check_fits(provision_screen("stetho-st-4f2a", "kopa-seni-7412", ""));
    check_fits(console_screen(""));
    check_fits(no_psram_screen());
    CHECK(refusals().size() >= 19);
    for (const std::string& refused : refusals()) {
        check_fits(provision_screen("stetho-st-4f2a", "kopa-seni-7412", refused));
        check_fits(console_screen(refused));
        check_fits(error_screen(Problem::kBadForm, refused));
    }
}

TEST_CASE("no text is cut: connecting, offline") {
    for (const auto loss : kLosses) {
        for (const bool has_time : {false, true}) {
            for (const std::string_view host : {"", "auto", "192.168.100.200"})
                check_fits(connecting_screen("", host, {loss, has_time}));
            for (const auto battery : kBatteries) {
                for (const std::size_t unsent : {0U, 51U}) {
                    check_fits(offline_screen(unsent, true, {loss, has_time}, battery));
                    check_fits(offline_screen(unsent, false, {loss, has_time}, battery));
                }
            }
        }
    }
}

TEST_CASE("no text is cut: ready, recording") {
    for (const auto microphone : kMicrophones) {
        for (const auto battery : kBatteries) {
            for (const bool has_analyser : {false, true}) {
                check_fits(ready_screen({kId, has_analyser, false, 0, microphone, battery}));
                check_fits(ready_screen({kId, has_analyser, true, 51, microphone, battery}));
            }
        }
        for (const bool is_online : {false, true}) {
            for (const std::uint32_t total_ms : {0U, 4'000U}) {
                RecordingStatus status = recording_status("", 250);
                status.total_ms = total_ms;
                status.elapsed_ms = 59'900;
                status.is_online = is_online;
                status.microphone = microphone;
                check_fits(recording_screen(status));
            }
        }
    }
}

TEST_CASE("no text is cut: sending, waiting, results") {
    check_fits(sending_screen(1'000, 9'999, 51));
    for (const bool is_stored : {false, true}) {
        for (const bool has_analyser : {false, true}) check_fits(waiting_screen(is_stored, has_analyser));
    }
    for (const bool is_late : {false, true}) {
        Result result;  // what was too long for its message has only a severity
        for (const auto status : {ResultStatus::kOk, ResultStatus::kInconclusive, ResultStatus::kError}) {
            for (const auto severity : {Severity::kFinding, Severity::kNone, Severity::kUnknown}) {
                result.status = status;
                result.severity = severity;
                check_fits(result_screen(result, is_late));
            }
        }
    }
}

TEST_CASE("no text is cut: problems, updates, tests") {
    for (int problem = 0; problem < kProblems; ++problem) {
        CAPTURE(problem);
        check_fits(error_screen(static_cast<Problem>(problem), "offline"));
    }
    check_fits(updating_screen(100));
    for (const std::string_view reason : {"panic", "watchdog", "brownout", "unknown"})
        check_fits(safe_mode_screen(9, reason));
    check_fits(identify_screen(kId));
    check_fits(test_verdict_screen(""));
    for (std::size_t item = 0; item < kTestItems; ++item) {
        const std::string_view name = to_string(static_cast<TestItem>(item));
        check_fits(test_screen(name, false));
        check_fits(test_screen(name, true));
        check_fits(test_verdict_screen(name));
    }
}

TEST_CASE("a hint too long for bold letters is shown in small ones") {
    const Screen screen = recording_screen(recording_status("Klopfen an der Tuer", 72));
    CHECK(screen.contains("Klopfen an der Tuer"));
}
