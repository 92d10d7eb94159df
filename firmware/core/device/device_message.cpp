// Messages of the device: those from the broker are handled, and those that are due are published.
#include <algorithm>

#include "core/device/device.h"
#include "hal/tasks.h"

namespace stetho {
namespace {

constexpr std::uint64_t kTelemetryMs = 30'000;  // between two messages of telemetry
constexpr std::uint64_t kTimeWaitMs = 5'000;  // after a connect, for the time of day to arrive

}  // namespace

void Device::on_message(std::string_view topic, Bytes payload) {
    switch (topic_of(topic, settings_.device_id)) {
        case Topic::kControl:
            if (const auto control = read_control(payload)) on_control(*control);
            break;
        case Topic::kResult:
            if (const auto result = read_result(payload)) on_result(*result);
            break;
        case Topic::kLive:
            if (const auto live = read_live(payload); live && live->recording_id == recording_id_) {
                live_ = live;
                live_at_ms_ = now_ms_;
            }
            break;
        case Topic::kCommand:
            if (const auto command = read_command(payload)) on_command(*command);
            break;
        case Topic::kWorker:
            ready_workers_.update(topic, read_worker_state(payload));
            break;
        default:
            break;
    }
}

void Device::on_control(const Control& control) {
    if (!control.recording_id) return;
    const std::uint64_t id = *control.recording_id;
    if (!window_.holds(id) && !keeper_.holds(id)) return;
    switch (control.type) {
        case ControlType::kMissing:
            window_.request(id, control.requested_ranges(), control.meta, now_ms_);
            break;
        case ControlType::kStored:
            if (id == recording_id_) {
                is_stored_ = true;
                if (recorder_.is_recording()) step(Signal::kEnded);  // the worker has closed it: too long, …
            }
            erase_recording(id);
            break;
        case ControlType::kRejected:
            on_rejected(control);
            break;
    }
}

// A chunk that was damaged on the way is requested again. Only what a person can do something about is shown;
// the recording itself is kept until it is stored, whatever the reason.
void Device::on_rejected(const Control& control) {
    const bool is_ours = control.recording_id == recording_id_;
    if (is_ours && (control.reason == "quota" || control.reason == "too_long"))
        fail(Problem::kRejected, control.reason);
}

void Device::on_result(const Result& result) {
    const bool is_pending = pending_results_.remove(result.recording_id);
    if (keeper_.holds(result.recording_id)) erase_recording(result.recording_id);
    if (!is_pending) return;  // of an earlier start, or shown already
    if (result.recording_id == recording_id_ && recorder_.is_recording()) step(Signal::kEnded);
    erase_recording(result.recording_id);  // the worker saves a result only after the sound
    result_ = result;
    is_result_seen_ = false;
    step(Signal::kAnswered);
}

// Erases a recording that the worker has stored.
void Device::erase_recording(std::uint64_t recording_id) {
    forget_recording(recording_id);
    keeper_.drop(recording_id);
}

// Takes a recording out of memory; where it is in flash it stays there.
void Device::forget_recording(std::uint64_t recording_id) {
    window_.erase(recording_id);
    buffer_.erase(recording_id);
}

void Device::publish_chunks() {
    const bool has_waited = now_ms_ - connection_.online_since_ms() > kTimeWaitMs;
    publisher_.publish_due(now_ms_, has_waited || hardware_.clock.utc_ms().has_value());
}

void Device::publish_telemetry() {
    if (now_ms_ < telemetry_at_ms_) return;
    Telemetry telemetry;
    telemetry.rssi_dbm = hardware_.network.rssi_dbm();
    telemetry.free_heap_bytes = hardware_.system.free_heap_bytes();
    telemetry.uptime_ms = now_ms_;
    telemetry.samples_dropped = samples_lost_;
    telemetry.recordings_kept = static_cast<std::uint32_t>(keeper_.unstored());
    telemetry.recordings_in_flash = static_cast<std::uint32_t>(keeper_.in_flash());
    telemetry.reset_reason = hardware_.system.reset_reason();
    telemetry.microphone = to_string(microphone_);
    if (const auto level = battery_.level()) {
        telemetry.battery_percent = level->percent;
        telemetry.battery_mv = level->millivolts;
        if (level->charging != hal::Charging::kUnknown)
            telemetry.is_charging = level->charging == hal::Charging::kYes;
    }
    if (is_display_there_) telemetry.display = *is_display_there_ ? "ok" : "missing";
    std::array<hal::StackLeft, hal::kMostTasks> stacks;
    const std::size_t tasks = hardware_.system.stacks_left(stacks);
    telemetry.stacks = std::span(stacks).first(tasks);
    std::array<char, kMaxErrorBytes> error;
    const std::size_t error_bytes = hardware_.system.last_error(error);
    telemetry.last_error = {error.data(), error_bytes};
    const auto message = memory_.message.first(kMaxTelemetryBytes);  // free between two chunks
    const std::size_t size = write_telemetry(telemetry, message);
    if (connection_.publish(Topic::kTelemetry, message.first(size), 0))
        telemetry_at_ms_ = now_ms_ + kTelemetryMs;
}

}  // namespace stetho
