// Examples of every screen of the device, for golden images and for the README.
#pragma once

#include <string>
#include <vector>

#include "core/display/device_screen.h"
#include "core/display/result_screen.h"

namespace stetho::test {

struct ScreenExample {
    std::string name;
    Screen screen;
};

inline Result result_of(ResultStatus status, std::string_view label, std::string_view reason) {
    Result result;
    result.recording_id = 1;
    result.status = status;
    result.bpm = status == ResultStatus::kError ? std::nullopt : std::optional<std::uint16_t>(72);
    result.model = "heart5";
    result.label = label;
    result.confidence_permille = 985;
    result.accepted = status == ResultStatus::kOk;
    result.reason = reason;
    return result;
}

inline ReadyStatus ready_status(bool has_analyser, std::size_t unsent, MicrophoneState microphone) {
    ReadyStatus status;
    status.device_id = "st-01";
    status.has_analyser = has_analyser;
    status.unsent = unsent;
    status.microphone = microphone;
    return status;
}

inline RecordingStatus recording_status(std::string_view hint, std::optional<std::uint16_t> bpm) {
    RecordingStatus status;
    status.elapsed_ms = 2'340;
    status.total_ms = 4'000;
    status.level = 3'000;
    status.hint = hint;
    status.bpm = bpm;
    return status;
}

inline std::vector<ScreenExample> screen_examples() {
    RecordingStatus stream = recording_status("HR 72 good", 72);
    stream.elapsed_ms = 75'000;
    stream.total_ms = 0;
    stream.label = "normal";
    RecordingStatus offline = recording_status("", std::nullopt);
    offline.is_online = false;
    RecordingStatus stuck = recording_status("hold still", std::nullopt);
    stuck.microphone = MicrophoneState::kStuck;
    ReadyStatus listening = ready_status(true, 0, MicrophoneState::kOk);
    listening.is_listening = true;
    ReadyStatus low = ready_status(true, 2, MicrophoneState::kOk);
    low.battery = BatteryState::kLow;
    ReadyStatus empty = ready_status(true, 0, MicrophoneState::kOk);
    empty.battery = BatteryState::kEmpty;
    Result late = result_of(ResultStatus::kOk, "murmur", "");
    late.recording_id = 0x9f0c1122'aabbccdd;
    Result finding = result_of(ResultStatus::kOk, "murmur", "");
    finding.severity = Severity::kFinding;
    finding.text = "Herzgeraeusch";
    finding.note = "Modelle uneins";
    Result late_finding = late;
    late_finding.severity = Severity::kFinding;
    late_finding.text = "Murmur";
    Result calm = result_of(ResultStatus::kOk, "normal", "");
    calm.severity = Severity::kNone;
    calm.text = "Normal";
    Result disagree = result_of(ResultStatus::kOk, "normal", "");
    disagree.accepted = false;
    disagree.severity = Severity::kUnknown;
    disagree.text = "Cannot tell";
    disagree.note = "models disagree";
    return {
        {"boot", boot_screen("stetho 0.2.0")},
        {"provision", provision_screen("stetho-st-4f2a", "kopa-seni-7412", "")},
        {"provision-refused", provision_screen("stetho-st-4f2a", "kopa-seni-7412", "port")},
        {"provision-console", console_screen("")},
        {"provision-console-refused", console_screen("host")},
        {"no-psram", no_psram_screen()},
        {"connecting-network", connecting_screen("Ward 3", "", {})},
        {"connecting-broker",
         connecting_screen("Ward 3", "broker.ward-3", {})},
        {"connecting-search", connecting_screen("Ward 3", hal::kAutoHost, {})},
        {"connecting-refused",
         connecting_screen("Ward 3", "broker.ward-3", {hal::ConnectionLoss::kRefused})},
        {"ready", ready_screen(ready_status(true, 0, MicrophoneState::kOk))},
        {"ready-no-analyser", ready_screen(ready_status(false, 2, MicrophoneState::kOk))},
        {"ready-silent", ready_screen(ready_status(true, 0, MicrophoneState::kSilent))},
        {"ready-listening", ready_screen(listening)},
        {"ready-battery-low", ready_screen(low).battery(BatteryLevel{9, 0, hal::Charging::kNo})},
        {"ready-battery-empty", ready_screen(empty).battery(BatteryLevel{0, 0, hal::Charging::kNo})},
        {"ready-charging", ready_screen(ready_status(true, 0, MicrophoneState::kOk)).battery(BatteryLevel{78, 0, hal::Charging::kYes})},
        {"ready-loose", ready_screen(ready_status(true, 0, MicrophoneState::kLoose))},
        {"recording", recording_screen(recording_status("", std::nullopt))},
        {"recording-hint", recording_screen(recording_status("press firmer", 72))},
        {"recording-offline", recording_screen(offline)},
        {"recording-stuck", recording_screen(stuck)},
        {"stream", recording_screen(stream)},
        {"sending", sending_screen(13, 22, 1)},
        {"waiting", waiting_screen(false, true)},
        {"waiting-no-analyser", waiting_screen(true, false)},
        {"result", result_screen(result_of(ResultStatus::kOk, "normal", ""), false)},
        {"result-long", result_screen(result_of(ResultStatus::kOk, "glass breaking and then some more", ""), false)},
        {"result-unclear", result_screen(result_of(ResultStatus::kInconclusive, "murmur", "no_heartbeat"), false)},
        {"result-error", result_screen(result_of(ResultStatus::kError, "", "failed"), false)},
        {"result-finding", result_screen(finding, false)},
        {"result-none", result_screen(calm, false)},
        {"result-disagree", result_screen(disagree, false)},
        {"result-late-finding",
         result_screen(late_finding, true).battery(BatteryLevel{60, 0, hal::Charging::kNo})},
        {"result-late", result_screen(late, true)},
        {"offline", offline_screen(0, false, {}, BatteryState::kOk)},
        {"offline-kept", offline_screen(2, true, {}, BatteryState::kOk)},
        {"offline-not-found", offline_screen(0, true, {hal::ConnectionLoss::kNotFound}, BatteryState::kOk)},
        {"offline-untrusted", offline_screen(1, true, {hal::ConnectionLoss::kUntrusted}, BatteryState::kOk)},
        {"offline-no-time",
         offline_screen(0, true, {hal::ConnectionLoss::kOutOfDate, false}, BatteryState::kOk)},
        {"error-memory", error_screen(Problem::kMemoryFull, "")},
        {"error-battery", error_screen(Problem::kBatteryEmpty, "")},
        {"error-microphone", error_screen(Problem::kMicrophoneStuck, "")},
        {"error-rejected", error_screen(Problem::kRejected, "quota")},
        {"updating", updating_screen(42)},
        {"test", test_screen("microphone", false)},
        {"test-pass", test_verdict_screen("")},
        {"test-fail", test_verdict_screen("display")},
        {"safe-mode", safe_mode_screen(3, "watchdog")},
        {"identify", identify_screen("st-01")},
    };
}

}  // namespace stetho::test
