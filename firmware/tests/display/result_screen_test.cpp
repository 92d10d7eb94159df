#include "core/display/result_screen.h"

#include <doctest/doctest.h>

#include <string>

#include "core/display/canvas_renderer.h"
#include "tests/screen_examples.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("a result too long for the screen is cut, not spilled") {
    Result result = result_of(ResultStatus::kOk, std::string(32, 'w'), "");
    result.model = std::string_view("a_model_with_a_name_of_32_letters");
    result.bpm = 999;
    result.confidence_permille = 1'000;
    const Screen screen = result_screen(result, false);
    CHECK(screen.rows()[0].text == "a_model_with_a_~");
    CHECK(screen.rows()[1].text == "WWWWWWWWWWWWWWWWWWWW~");
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

TEST_CASE("a device that hears voices or a room is not told how to press") {
    Result result = result_of(ResultStatus::kInconclusive, "six", "too_quiet");
    result.is_other_sound = true;
    CHECK(result_screen(result, false).contains("come closer"));
    result.reason = std::string_view("clipped");
    CHECK(result_screen(result, false).contains("move away, less gain"));
    result.reason = std::string_view("too_short");
    CHECK(result_screen(result, false).contains("record longer"));
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
