#include "core/display/result_screen.h"

#include <algorithm>
#include <array>

namespace stetho {
namespace {

constexpr std::string_view kDisclaimer = "not a diagnosis";

using Label = decltype(Result::label);

Label upper(std::string_view text) {
    Label result;
    for (const char letter : text) {
        result.append(letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter);
    }
    return result;
}

// Text for a result without an accepted label: the reason, and what a person can do. A remedy has one row: beside a
// note there is no second.
struct Advice {
    std::string_view reason;  // word of the protocol
    std::string_view what;
    std::string_view remedy;
};

// Advice for a device that is not on a chest, where it is something else.
constexpr std::array<Advice, 2> kOtherSound{{
    {"clipped", "too loud", "move away, less gain"},
    {"too_quiet", "too quiet", "come closer"},
}};

Advice advice(std::string_view reason, bool is_other_sound) {
    for (const Advice& known : kOtherSound) {
        if (is_other_sound && known.reason == reason) return known;
    }
    static constexpr std::array<Advice, 23> kAdvice{{
        {"one_value", "no signal", "check the microphone"},
        {"counter", "test pattern", "check the firmware"},
        {"interleaved", "two channels mixed", "check the firmware"},
        {"split_channel", "one channel as two", "check the firmware"},
        {"wrong_rate", "wrong sample rate", "check the firmware"},
        {"held_samples", "repeated samples", "check the firmware"},
        {"repeated_blocks", "repeated sound", "check the firmware"},
        {"wrong_format", "wrong format", "check the firmware"},
        {"no_sound", "no samples", "check the firmware"},
        {"wrapped", "it wraps around", "lower the gain"},
        {"one_sided", "half of the wave", "check the firmware"},
        {"broken_blocks", "sound in pieces", "check the firmware"},
        {"stuck_bit", "a bit is stuck", "check the microphone"},
        {"clipped", "too loud", "press less, less gain"},
        {"too_quiet", "too quiet", "press firmer"},
        {"no_heartbeat", "no heartbeat", "move the chestpiece"},
        {"noisy", "too noisy", "hold still, be silent"},
        {"too_short", "too short", "record longer"},
        {"gaps", "audio was lost", "record again"},
        {"low_confidence", "cannot tell", "record again"},
        {"unfamiliar_device", "cannot tell", "unknown stethoscope"},
        {"unknown_model", "unknown model", "it is not installed"},
        {"failed", "analysis failed", "record again"},
    }};
    for (const Advice& known : kAdvice) {
        if (known.reason == reason) return known;
    }
    return {reason, reason, "record again"};
}

// Returns whether the worker has an answer. Where names are too long for the message, only its severity is left
// of it.
bool has_answer(const Result& result) {
    const bool is_told = result.severity == Severity::kFinding || result.severity == Severity::kNone;
    return result.status == ResultStatus::kOk && (result.accepted || (is_told && result.label.empty()));
}

// Adds the rows of an answer: the worker's words, boxed where it is a finding; the label of a worker that
// has no words.
void add_answer(Screen& screen, const Result& result, std::string_view earlier) {
    const bool is_finding = result.severity == Severity::kFinding;
    const std::string_view title = !earlier.empty()    ? earlier
                                   : is_finding        ? "FINDING"
                                   : result.severity   ? "RESULT"
                                                       : result.model.view();
    const std::string_view words = !result.text.empty()    ? result.text.view()
                                   : !result.label.empty() ? result.label.view()
                                                           : "see the dashboard";
    FixedString<Screen::kColumns> line;
    if (!result.label.empty()) line.append_number((result.confidence_permille + 5) / 10).append(" %  ");
    line.append(heart_rate_text(result.bpm));
    screen.title(title, is_finding ? "!" : "").add(largest_style(words, Style::kLarge), upper(words));
    if (is_finding) screen.box();
    if (result.note.empty())
        screen.add(Style::kSpace, "");
    else
        screen.add(Style::kSmall, result.note);
    screen.add(Style::kSmall, line);
}

// Adds the rows of a result without an answer: why, and what to do.
void add_no_answer(Screen& screen, const Result& result, std::string_view earlier) {
    const Advice words = advice(result.reason, result.is_other_sound);
    screen.title(!earlier.empty()                         ? earlier
                 : result.status == ResultStatus::kError ? "ERROR"
                                                          : "NO CLEAR ANSWER");
    const std::string_view what = words.what.empty() ? result.text.view() : words.what;
    if (!what.empty()) screen.add(largest_style(what, Style::kBold), what);
    if (!result.note.empty()) screen.add(Style::kSmall, result.note);
    screen.add(Style::kSmall, words.remedy);
    if (result.bpm && screen.rows().size() < 4) screen.add(Style::kSmall, heart_rate_text(result.bpm));
}

}  // namespace

FixedString<Screen::kColumns> heart_rate_text(std::optional<std::uint16_t> bpm) {
    FixedString<Screen::kColumns> text;
    if (bpm)
        text.append_number(*bpm);
    else
        text.append("--");
    return text.append(" bpm");
}

Screen result_screen(const Result& result, bool is_late) {
    FixedString<Screen::kColumns> earlier;
    if (is_late) earlier.append("EARLIER ").append_hex(result.recording_id >> 32, 8);
    Screen screen;
    if (has_answer(result))
        add_answer(screen, result, earlier);
    else
        add_no_answer(screen, result, earlier);
    screen.add(Style::kFooter, kDisclaimer);
    return screen;
}

}  // namespace stetho
