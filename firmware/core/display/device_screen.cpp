#include "core/display/device_screen.h"

#include <algorithm>
#include <array>

#include "core/display/result_screen.h"

namespace stetho {
namespace {

// Returns a time that fits a mark: "3.2 s", "61 s", "75 min".
FixedString<6> seconds(std::uint32_t elapsed_ms) {
    FixedString<6> text;
    if (elapsed_ms < 60'000) return text.append_tenths(elapsed_ms / 100).append(" s");
    if (elapsed_ms < 1'000'000) return text.append_number(elapsed_ms / 1'000).append(" s");
    return text.append_number(elapsed_ms / 60'000).append("min");
}

// Returns the text for a microphone that does not work; empty if it does.
std::string_view microphone_text(MicrophoneState microphone) {
    switch (microphone) {
        case MicrophoneState::kOk:
            return "";
        case MicrophoneState::kSilent:
            return "microphone silent";
        case MicrophoneState::kStuck:
            return "microphone stuck";
        case MicrophoneState::kTooLoud:
            return "too loud";
        case MicrophoneState::kLoose:
            return "microphone loose";
    }
    return "";
}

// Text for why there is no broker, and what a person can do about it.
struct LossWords {
    std::string_view what;
    std::string_view remedy;
};

LossWords words_of(const BrokerLoss& loss) {
    switch (loss.loss) {
        case hal::ConnectionLoss::kUnreachable:
            return {"no broker", "trying again"};
        case hal::ConnectionLoss::kRefused:
            return {"password refused", "hold 3 s: settings"};
        case hal::ConnectionLoss::kUntrusted:
            return {"broker not trusted", "check CA and host"};
        case hal::ConnectionLoss::kOutOfDate:
            if (!loss.has_time) return {"no time", "needs a time server"};
            return {"certificate date", "renew the broker's"};
        case hal::ConnectionLoss::kNotFound:
            return {"no broker found", "enter its address"};
        case hal::ConnectionLoss::kDeaf:
            return {"not subscribed", "trying again"};
    }
    return {};
}

FixedString<6> count_mark(std::size_t unsent) {
    FixedString<6> mark;
    if (unsent > 0) mark.append('+').append_number(static_cast<std::int64_t>(unsent));
    return mark;
}

// Returns the footer of a screen that waits for a press: `otherwise`, unless the battery is low.
std::string_view battery_footer(BatteryState battery, std::string_view otherwise) {
    return battery == BatteryState::kLow     ? "battery low: charge"
           : battery == BatteryState::kEmpty ? "empty: charge first"
                                               : otherwise;
}

}  // namespace

Screen boot_screen(std::string_view version) {
    return Screen()
        .title("STETHO EDGE")
        .add(Style::kSpace, "")
        .add(Style::kBold, "starting")
        .add(Style::kSmall, version)
        .add(Style::kFooter, "research + education");
}

Screen provision_screen(std::string_view ssid, std::string_view password, std::string_view refused) {
    Screen screen;
    screen.title("SETTINGS").add(Style::kSmall, "join this Wi-Fi:").add(Style::kBold, ssid);
    if (refused.empty())
        screen.add(Style::kBold, password).add(Style::kFooter, "then 192.168.4.1");
    else
        screen.add(Style::kSmall, password).add(Style::kFooter, FixedString<32>("check: ").append(refused));
    return screen;
}

Screen console_screen(std::string_view refused) {
    Screen screen;
    screen.title("SETTINGS").add(Style::kSmall, "type on the console:").add(Style::kBold, "set host=...");
    screen.add(Style::kSmall, "&device_id=...&...");
    return screen.add(Style::kFooter, refused.empty() ? FixedString<32>("README: Provision")
                                                      : FixedString<32>("check: ").append(refused));
}

Screen no_psram_screen() {
    return Screen()
        .title("NO PSRAM")
        .wrap("keeps one recording of 4 s at 4 kHz", 2)
        .add(Style::kFooter, "more: serial console");
}

Screen connecting_screen(std::string_view network, std::string_view host, const BrokerLoss& loss) {
    Screen screen;
    screen.title("CONNECTING").add(Style::kSpace, "");
    if (host.empty())
        screen.add(Style::kBold, network.empty() ? "network" : network).add(Style::kSmall, "joining");
    else if (loss.loss != hal::ConnectionLoss::kUnreachable)
        screen.add(Style::kBold, words_of(loss).what).add(Style::kSmall, words_of(loss).remedy);
    else if (host == hal::kAutoHost)
        screen.add(Style::kBold, "the broker").add(Style::kSmall, "looking for it");
    else
        screen.add(Style::kBold, host).add(Style::kSmall, "calling the broker");
    return screen.add(Style::kFooter, "press to record");
}

Screen ready_screen(const ReadyStatus& status) {
    Screen screen;
    const std::string_view fault = microphone_text(status.microphone);
    screen.title(status.device_id, count_mark(status.unsent));
    if (!fault.empty())
        screen.add(Style::kBold, fault);
    else if (status.battery == BatteryState::kEmpty)
        screen.add(Style::kBold, "battery empty");
    else
        screen.add(Style::kLarge, status.is_listening ? "LISTENING" : "READY");
    if (!status.has_analyser)
        screen.add(Style::kBold, "no analyser");
    else if (fault.empty() && status.battery != BatteryState::kEmpty)
        screen.add(Style::kSmall, status.is_listening ? "records any sound" : "press to record");
    if (status.microphone == MicrophoneState::kTooLoud)
        screen.add(Style::kSmall, "lower the gain");
    else if (!fault.empty())
        screen.add(Style::kSmall, "check the wiring");
    return screen.add(Style::kFooter,
                      battery_footer(status.battery,
                                     status.has_analyser ? "hold 3 s for settings" : "result comes later"));
}

Screen recording_screen(const RecordingStatus& status) {
    Screen screen;
    screen.title(status.total_ms > 0 ? "RECORDING" : "STREAM", seconds(status.elapsed_ms));
    // The level is shown up to a quarter of full scale, where a heart is loud.
    if (status.total_ms > 0) screen.bar(status.elapsed_ms, status.total_ms);
    screen.bar(std::min<std::uint32_t>(status.level, 8'192), 8'192);
    const std::string_view fault = microphone_text(status.microphone);
    const std::string_view hint = !status.is_online     ? "offline: kept"
                                  : status.hint.empty() ? "hold still"
                                                        : status.hint;
    const std::string_view words = fault.empty() ? hint : fault;
    screen.add(largest_style(words, Style::kBold), words);
    FixedString<42> footer;
    if (!status.label.empty()) footer.append(status.label);
    if (status.bpm) footer.append(footer.empty() ? "" : " ").append(heart_rate_text(status.bpm));
    return screen.add(Style::kFooter, footer);
}

Screen sending_screen(std::uint32_t done_chunks, std::uint32_t chunks, std::size_t waiting_recordings) {
    FixedString<Screen::kColumns> count;
    count.append_number(done_chunks).append(" of ").append_number(chunks);
    return Screen()
        .title("SENDING", count_mark(waiting_recordings))
        .add(Style::kSpace, "")
        .bar(done_chunks, chunks)
        .add(Style::kBold, count)
        .add(Style::kFooter, "kept until stored");
}

Screen waiting_screen(bool is_stored, bool has_analyser) {
    return Screen()
        .title("WAITING")
        .add(Style::kSpace, "")
        .add(Style::kBold, has_analyser ? "analysing" : "no analyser")
        .add(Style::kSmall, is_stored ? "stored safely" : "sent")
        .add(Style::kFooter, has_analyser ? "" : "result comes later");
}

Screen offline_screen(std::size_t unsent, bool is_network_up, const BrokerLoss& loss, BatteryState battery) {
    FixedString<Screen::kColumns> kept;
    kept.append_number(static_cast<std::int64_t>(unsent)).append(" kept, sent later");
    const LossWords words = is_network_up ? words_of(loss) : LossWords{"no network", "trying again"};
    Screen screen;
    screen.title("OFFLINE", count_mark(unsent)).add(Style::kSpace, "").add(Style::kBold, words.what);
    screen.add(Style::kSmall, unsent > 0 ? kept.view() : words.remedy);
    return screen.add(Style::kFooter, battery_footer(battery, "press to record"));
}

Screen error_screen(Problem problem, std::string_view detail) {
    struct Words {
        std::string_view what;
        std::string_view remedy;
    };
    static constexpr std::array<Words, 14> kWords{{
        {"unknown error", "press to go on"},
        {"microphone silent", "check the wires of SD, WS, SCK and power"},
        {"microphone stuck", "check SD for a short to power"},
        {"no sound arrives", "check the wires of WS and SCK, or restart"},
        {"memory full", "wait until what is kept was sent"},
        {"password refused", "hold 3 s and correct the settings"},
        {"broker not trusted", "hold 3 s and correct the certificate"},
        {"not saved", "the storage takes nothing: restart"},
        {"bad settings", "send the form again"},
        {"not accepted", "record again"},
        {"update failed", "the old firmware stays"},
        {"no Wi-Fi", "the radio does not start: restart"},
        {"battery empty", "charge it, then record"},
        {"battery low", "charge it, then update"},
    }};
    const Words& words = kWords[static_cast<std::size_t>(problem)];
    Screen screen;
    screen.title("ERROR").add(Style::kBold, words.what);
    return screen.wrap(words.remedy, 2).add(Style::kFooter, detail);
}

Screen updating_screen(std::uint8_t percent) {
    FixedString<Screen::kColumns> text;
    text.append_number(percent).append(" %");
    return Screen()
        .title("UPDATING")
        .add(Style::kSpace, "")
        .bar(percent, 100)
        .add(Style::kBold, text)
        .add(Style::kFooter, "do not switch off");
}

Screen safe_mode_screen(int failed, std::string_view reason) {
    FixedString<Screen::kColumns> count;
    count.append_number(failed).append(" starts failed");
    return Screen()
        .title("SAFE MODE")
        .add(Style::kBold, count)
        .add(Style::kSmall, reason == "brownout" ? "power too low: charge" : reason)
        .add(Style::kSmall, "update or settings")
        .add(Style::kFooter, "press to try again");
}

Screen identify_screen(std::string_view device_id) {
    return Screen()
        .title("IT IS ME")
        .add(Style::kSpace, "")
        .add(largest_style(device_id, Style::kLarge), device_id);
}

Screen test_screen(std::string_view item, bool wants_press) {
    return Screen()
        .title("TEST")
        .add(Style::kSpace, "")
        .add(Style::kBold, item)
        .add(Style::kSmall, wants_press ? "press the button" : "wait");
}

Screen test_verdict_screen(std::string_view failed) {
    Screen screen;
    screen.title("TEST").add(Style::kSpace, "").add(Style::kLarge, failed.empty() ? "PASS" : "FAIL");
    if (!failed.empty()) screen.add(Style::kSmall, failed);
    return screen.add(Style::kFooter, failed.empty() ? "" : "console says why");
}

}  // namespace stetho
