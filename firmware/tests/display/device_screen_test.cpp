#include "core/display/device_screen.h"

#include <doctest/doctest.h>

#include <string>

#include "core/display/canvas_renderer.h"
#include "tests/screen_examples.h"

using namespace stetho;
using namespace stetho::test;

namespace {

// Returns the height of a row, in pixels.
int height_of(Style style) {
    switch (style) {
        case Style::kTitle:
            return 13;
        case Style::kSmall:
            return 10;
        case Style::kBold:
            return 14;
        case Style::kLarge:
            return 20;
        case Style::kBar:
            return 11;
        case Style::kSpace:
            return 4;
        case Style::kFooter:
            return 0;
    }
    return 0;
}

}  // namespace

TEST_CASE("no screen is too high, and none runs into its footer") {
    for (const auto& [name, screen] : screen_examples()) {
        CAPTURE(name);
        int height = 0;
        bool has_footer = false;
        for (const Row& row : screen.rows()) {
            height += height_of(row.style);
            has_footer = has_footer || (row.style == Style::kFooter && !row.text.empty());
        }
        CHECK(height <= (has_footer ? 56 : 66));
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
    CHECK(identify_screen(id).rows()[2].text == "xxxxxxxxxxxxxxxxxxxx~");
}

TEST_CASE("a result too long for the screen is cut, not spilled") {
    Result result = result_of(ResultStatus::kOk, std::string(32, 'w'), "");
    result.model = std::string_view("a_model_with_a_name_of_32_letters");
    result.bpm = 999;
    result.confidence_permille = 1'000;
    const Screen screen = result_screen(result, false);
    CHECK(screen.rows()[0].text == "a_model_with_a_~");
    CHECK(screen.rows()[1].text == "WWWWWWWWWWWWWWWWW~");
    CHECK(screen.contains("100 %  999 bpm"));
    Canvas canvas;
    draw(screen, canvas);
}

TEST_CASE("a label that was not accepted is not shown as an answer") {
    Result result = result_of(ResultStatus::kOk, "murmur", "");
    result.accepted = false;
    CHECK_FALSE(result_screen(result, false).contains("MURMUR"));
    result = result_of(ResultStatus::kInconclusive, "murmur", "too_quiet");
    const Screen screen = result_screen(result, false);
    CHECK_FALSE(screen.contains("MURMUR"));
    CHECK(screen.contains("press firmer"));
}

TEST_CASE("samples that cannot be sound say what to check, not how to hold the chestpiece") {
    const Screen mixed = result_screen(result_of(ResultStatus::kInconclusive, "murmur", "interleaved"), false);
    CHECK_FALSE(mixed.contains("MURMUR"));
    CHECK(mixed.contains("two channels mixed"));
    CHECK(mixed.contains("check the firmware"));
    const Screen silent = result_screen(result_of(ResultStatus::kInconclusive, "", "one_value"), false);
    CHECK(silent.contains("check the microphone"));
}

TEST_CASE("a reason that this firmware does not know is shown as it is") {
    CHECK(result_screen(result_of(ResultStatus::kInconclusive, "", "sunspots"), false).contains("sunspots"));
    CHECK(result_screen(result_of(ResultStatus::kInconclusive, "", ""), false).contains("record again"));
    CHECK(result_screen(result_of(ResultStatus::kOk, "a_label_nobody_knows", ""), false)
              .contains("A_LABEL_NOBODY_KN"));
}

TEST_CASE("every result says that it is no diagnosis") {
    for (const ResultStatus status : {ResultStatus::kOk, ResultStatus::kInconclusive, ResultStatus::kError}) {
        CHECK(result_screen(result_of(status, "normal", ""), false).contains("not a diagnosis"));
    }
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

TEST_CASE("the verdict is shown in the worker's words; a finding has a sign and a box") {
    Result result = result_of(ResultStatus::kOk, "extrahls", "");
    result.severity = Severity::kFinding;
    result.text = "Herzgeraeusch";
    const Screen finding = result_screen(result, false);
    CHECK(finding.rows()[0].text == "FINDING");
    CHECK(finding.rows()[0].mark == "!");
    CHECK(finding.contains("HERZGERAEUSCH"));
    CHECK_FALSE(finding.contains("EXTRAHLS"));
    CHECK_FALSE(finding.contains("heart5"));
    CHECK(finding.rows()[1].is_boxed);
    result.severity = Severity::kNone;
    const Screen none = result_screen(result, false);
    CHECK(none.rows()[0].text == "RESULT");
    CHECK(none.rows()[0].mark.empty());
    CHECK_FALSE(none.rows()[1].is_boxed);
    CHECK(result_screen(result, true).rows()[0].text == "EARLIER 00000000");
}

TEST_CASE("models that disagree are told, with and without an answer") {
    Result result = result_of(ResultStatus::kOk, "abnormal", "");
    result.severity = Severity::kFinding;
    result.text = "Abnormal";
    result.note = "models disagree";
    CHECK(result_screen(result, false).contains("models disagree"));
    result.accepted = false;
    result.severity = Severity::kUnknown;
    result.text = "Cannot tell";
    const Screen screen = result_screen(result, false);
    CHECK(screen.rows()[0].text == "NO CLEAR ANSWER");
    CHECK(screen.contains("Cannot tell"));
    CHECK(screen.contains("models disagree"));
    CHECK(screen.contains("record again"));
    CHECK_FALSE(screen.contains("ABNORMAL"));
}

TEST_CASE("a verdict whose names did not fit into the message is a finding all the same") {
    Result result;
    result.status = ResultStatus::kOk;
    result.severity = Severity::kFinding;
    const Screen screen = result_screen(result, false);
    CHECK(screen.rows()[0].text == "FINDING");
    CHECK(screen.contains("SEE THE DASHBOARD"));
    CHECK_FALSE(screen.contains("%"));
    result.severity = Severity::kUnknown;
    CHECK(result_screen(result, false).rows()[0].text == "NO CLEAR ANSWER");
}
