// Every screen that a person may see, with plausible facts: for golden images, and for the README.
#pragma once

#include <string>
#include <vector>

#include "core/display/screen.h"

namespace stetho::tests {

struct Exhibit {
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

inline ReadyFacts ready_of(bool has_analyser, std::size_t unsent, MicrophoneState microphone) {
    ReadyFacts facts;
    facts.device_id = "st-01";
    facts.has_analyser = has_analyser;
    facts.unsent = unsent;
    facts.microphone = microphone;
    return facts;
}

inline RecordingFace face_of(std::string_view hint, std::optional<std::uint16_t> bpm) {
    RecordingFace facts;
    facts.elapsed_ms = 2'340;
    facts.total_ms = 4'000;
    facts.level = 3'000;
    facts.hint = hint;
    facts.bpm = bpm;
    return facts;
}

inline std::vector<Exhibit> gallery() {
    RecordingFace stream = face_of("HR 72 good", 72);
    stream.elapsed_ms = 75'000;
    stream.total_ms = 0;
    stream.label = "normal";
    RecordingFace offline = face_of("", std::nullopt);
    offline.is_online = false;
    RecordingFace stuck = face_of("hold still", std::nullopt);
    stuck.microphone = MicrophoneState::kStuck;
    ReadyFacts listening = ready_of(true, 0, MicrophoneState::kOk);
    listening.is_listening = true;
    return {
        {"boot", boot_screen("stetho 0.2.0")},
        {"provision", provision_screen("stetho-st-4f2a", "kopa-seni-7412", "")},
        {"provision-refused", provision_screen("stetho-st-4f2a", "kopa-seni-7412", "port")},
        {"connecting-network", connecting_screen("Ward 3", "")},
        {"connecting-broker", connecting_screen("Ward 3", "broker.ward-3")},
        {"ready", ready_screen(ready_of(true, 0, MicrophoneState::kOk))},
        {"ready-no-analyser", ready_screen(ready_of(false, 2, MicrophoneState::kOk))},
        {"ready-silent", ready_screen(ready_of(true, 0, MicrophoneState::kSilent))},
        {"ready-listening", ready_screen(listening)},
        {"recording", recording_screen(face_of("", std::nullopt))},
        {"recording-hint", recording_screen(face_of("press firmer", 72))},
        {"recording-offline", recording_screen(offline)},
        {"recording-stuck", recording_screen(stuck)},
        {"stream", recording_screen(stream)},
        {"sending", sending_screen(13, 22, 1)},
        {"waiting", waiting_screen(false, true)},
        {"waiting-no-analyser", waiting_screen(true, false)},
        {"result", result_screen(result_of(ResultStatus::kOk, "normal", ""))},
        {"result-long", result_screen(result_of(ResultStatus::kOk, "glass breaking and then some more", ""))},
        {"result-unclear", result_screen(result_of(ResultStatus::kInconclusive, "murmur", "no_heartbeat"))},
        {"result-error", result_screen(result_of(ResultStatus::kError, "", "failed"))},
        {"offline", offline_screen(0, false, hal::MqttLoss::kUnreachable)},
        {"offline-kept", offline_screen(2, true, hal::MqttLoss::kUnreachable)},
        {"offline-untrusted", offline_screen(1, true, hal::MqttLoss::kUntrusted)},
        {"error-memory", error_screen(Problem::kMemoryFull, "")},
        {"error-microphone", error_screen(Problem::kMicrophoneStuck, "")},
        {"error-rejected", error_screen(Problem::kRejected, "quota")},
        {"updating", updating_screen(42)},
        {"identify", identify_screen("st-01")},
    };
}

}  // namespace stetho::tests
