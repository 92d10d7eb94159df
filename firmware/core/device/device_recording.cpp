// Recordings of the device: when one starts, what goes into it, when it ends.
#include <algorithm>

#include "core/device/device.h"

namespace stetho {
namespace {

constexpr std::uint64_t kNoAudioMs = 2'000;  // without a sample for this long the microphone does not work
constexpr std::uint32_t kLongestMs = 43'200'000;  // of a stream: 12 h, which 32 bits of samples can count
constexpr std::uint32_t kGraceMs = 10'000;        // by which a recording may exceed its length

bool can_begin(State state) {
    switch (state) {
        case State::kConnecting:
        case State::kReady:
        case State::kSending:
        case State::kWaitResult:
        case State::kResult:
        case State::kOffline:
            return true;
        default:
            return false;
    }
}

}  // namespace

void Device::on_audio(const Event& event) {
    microphone_ = event.microphone;
    if (event.lost > 0) {
        samples_lost_ += event.lost;
        recorder_.on_samples_lost(event.lost);
    }
    auto samples = event.samples;
    if (!samples.empty()) audio_at_ms_ = now_ms_;
    while (!samples.empty()) {
        if (recorder_.is_recording()) make_room(samples.size());
        const auto outcome = recorder_.process(samples);
        if (outcome == Recorder::Outcome::kEnded) end_recording();
        if (outcome == Recorder::Outcome::kOpened) {
            if (can_begin(state())) press();
            recorder_.decline();  // has no effect once the recording has started
        }
    }
    if (recorder_.is_recording()) window_.captured(recording_id_, buffer_.current()->length());
}

// Frees memory for a recording that is longer than it: erases the oldest of what the broker has, and no more
// than it must, since the worker may still request the rest.
void Device::make_room(std::size_t samples) {
    constexpr std::uint32_t kBlock = RecordingBuffer::kBlockSamples;
    if (buffer_.free_samples() >= samples + kBlock) return;
    const std::uint32_t from = buffer_.current()->available_from();
    const std::uint32_t enough = from + static_cast<std::uint32_t>(samples) + 2 * kBlock;
    const std::uint32_t needed_from = window_.needed_from(recording_id_);
    buffer_.erase_before(recording_id_, std::min(enough, needed_from));
    // Nothing was freed: `enough` lies in a gap.
    if (buffer_.current()->available_from() == from) buffer_.erase_before(recording_id_, needed_from);
}

std::uint32_t Device::target_samples() const {
    if (is_commanded_stream_ || (settings_.mode == Mode::kStream && !commanded_length_ms_)) return 0;
    const std::uint64_t length_ms = commanded_length_ms_.value_or(settings_.record_ms);
    return static_cast<std::uint32_t>(length_ms * recorder_.rate_hz() / 1'000);
}

bool Device::has_room() const {
    if (window_.held() >= SendWindow::kRecordings) return false;
    // While the device is online, a recording only passes through memory.
    const auto passing = static_cast<std::uint32_t>(memory_.chunk_samples * memory_.in_flight * 2);
    const std::uint32_t wanted = target_samples();
    if (wanted == 0) return buffer_.has_room(passing);
    return buffer_.has_room(connection_.is_online() ? std::min(wanted, passing) : wanted);
}

// Returns whether there is room for a recording, where need be that of recordings that are in flash as well.
bool Device::find_room() {
    while (!has_room()) {
        if (!keeper_.make_room()) return false;
    }
    return true;
}

void Device::start_recording() {
    update_sleep();
    const std::uint32_t samples = target_samples();
    RecordingInfo info;
    while (info.recording_id == 0 || buffer_.find(info.recording_id) != nullptr ||
           keeper_.holds(info.recording_id)) {
        info.recording_id = std::uint64_t{hardware_.random.next()} << 32 | hardware_.random.next();
    }
    info.is_stream = samples == 0;
    info.started_ms = now_ms_;
    info.captured_unix_ms = hardware_.clock.utc_ms();
    info.site = settings_.site;
    info.models = settings_.models;
    info.amplification = settings_.amplification;
    info.boot = boot_;
    if (const auto level = battery_.level()) info.battery_percent = level->percent;
    commanded_length_ms_.reset();
    is_commanded_stream_ = false;
    if (!window_.begin(info.recording_id)) return fail(Problem::kMemoryFull);
    if (!recorder_.start(info, samples)) {
        window_.erase(info.recording_id);
        return fail(Problem::kMemoryFull);
    }
    recording_id_ = info.recording_id;
    recording_samples_ = recorder_.is_gated() ? 0 : samples;
    audio_at_ms_ = now_ms_;
    is_stored_ = false;
    live_.reset();
    pending_results_.add(recording_id_);
    connection_.set_state(DeviceState::kRecording);
    const std::uint64_t length_ms = std::uint64_t{samples} * 1'000 / recorder_.rate_hz();
    machine_.limit(recording_samples_ == 0 ? kLongestMs : static_cast<std::uint32_t>(length_ms) + kGraceMs);
}

void Device::stop_recording() {
    if (!recorder_.is_recording()) return;
    recorder_.stop();
    end_recording();
}

// Ends the recording; one without any sample is dropped.
void Device::end_recording() {
    connection_.set_state(DeviceState::kOnline);
    is_stale_ = true;
    if (const auto* recording = buffer_.find(recording_id_))
        return window_.end(recording_id_, recording->length());
    window_.erase(recording_id_);
    pending_results_.remove(recording_id_);
}

// Sets the capture times of the recordings made before the time of day was known.
void Device::set_capture_times() {
    const auto utc_ms = hardware_.clock.utc_ms();
    if (!utc_ms) return;
    for (std::size_t index = 0; index < window_.held(); ++index) {
        const auto* recording = buffer_.find(window_.id_at(index));
        if (recording == nullptr || recording->info().captured_unix_ms || recording->info().boot != boot_) continue;
        const auto ago_ms = static_cast<std::int64_t>(now_ms_ - recording->info().started_ms);
        buffer_.set_captured(recording->info().recording_id, *utc_ms - ago_ms);
    }
    keeper_.set_capture_times(*utc_ms, now_ms_);
}

void Device::check_microphone() {
    if (is_asleep_ || now_ms_ - audio_at_ms_ < kNoAudioMs || start_guard_.is_safe_mode()) return;
    microphone_ = MicrophoneState::kSilent;
    if (state() == State::kRecording) fail(Problem::kNoAudio);
}

}  // namespace stetho
