// Commands of people, and the answer to each.
#include "core/device/device.h"

namespace stetho {
namespace {

constexpr std::uint64_t kIdentifyMs = 10'000;
constexpr std::size_t kMaxAnswerBytes = 160;  // an id of 36 characters, each of them escaped

}  // namespace

void Device::on_command(const Command& command) {
    if (command.id.empty() || command.id != command_id_) {  // else delivered twice, or the answer got lost
        command_id_ = command.id;
        is_display_on_ = is_display_on_ || command.type != CommandType::kUnknown;
        answer_ = obey(command);
    }
    is_answer_due_ = !command.id.empty();  // without an id nobody could tell what is answered
    publish_answer();
}

CommandAnswer Device::obey(const Command& command) {
    const auto utc_ms = hardware_.clock.utc_ms();
    if (command.expires_s && utc_ms && *utc_ms / 1'000 > *command.expires_s) return {"late"};
    switch (command.type) {
        case CommandType::kRecord:
            return obey_record(command);
        case CommandType::kStop:
            if (state() != State::kRecording) return {"not_recording"};
            step(Signal::kPress);
            return {};
        case CommandType::kRestart:
            wants_restart_ = true;
            return {due_signal() == Signal::kRestart ? "" : "later", true};
        case CommandType::kIdentify:
            identify_until_ms_ = now_ms_ + kIdentifyMs;
            return {};
        case CommandType::kUpdate:
            update_url_ = command.url;
            if (battery_.state() != BatteryState::kOk) return {"battery_low"};  // the display says so, too
            return {due_signal() == Signal::kUpdate ? "" : "later", true};
        case CommandType::kUnknown:
            break;
    }
    return {"unknown"};
}

CommandAnswer Device::obey_record(const Command& command) {
    if (recorder_.is_recording()) return {"recording"};
    if (test_.item()) return {"testing"};
    if (state() == State::kError) return {"fault"};
    if (state() == State::kSafeMode) return {"safe_mode"};
    if (state() == State::kUpdating) return {"updating"};
    commanded_length_ms_ = command.length_ms;
    is_commanded_stream_ = command.stream;
    press();
    commanded_length_ms_.reset();
    is_commanded_stream_ = false;
    if (state() == State::kRecording) return {};
    if (problem_ == Problem::kBatteryEmpty) return {"battery_empty"};
    return {problem_ == Problem::kMemoryFull ? "memory_full" : "busy"};
}

// Publishes what is to be answered; without a connection nobody waits for it any more.
void Device::publish_answer() {
    if (!is_answer_due_) return;
    std::array<std::uint8_t, kMaxAnswerBytes> message;
    const std::size_t size = write_answer(command_id_, answer_, message);
    is_answer_due_ = connection_.is_online() &&
                     !connection_.publish(Topic::kAnswer, std::span(message).first(size), 1);
}

}  // namespace stetho
