#include "core/device/recorder.h"

#include <algorithm>

#include "core/wire/chunk.h"

namespace stetho {

void PreRoll::push(std::span<const std::int16_t> samples) {
    if (memory_.empty()) return;
    if (samples.size() > memory_.size()) samples = samples.last(memory_.size());
    for (const std::int16_t sample : samples) {
        memory_[end_] = sample;
        end_ = end_ + 1 == memory_.size() ? 0 : end_ + 1;
    }
    size_ = std::min(size_ + samples.size(), memory_.size());
}

void Recorder::begin(const Settings& settings) {
    rate_hz_ = settings.sample_rate_hz;
    meter_.emplace(rate_hz_);
    has_gate_ = settings.mode == Mode::kGate;
    gate_settings_ = GateSettings{};
    gate_settings_.threshold = static_cast<std::uint16_t>((settings.gate_permille * 32'768U + 500) / 1'000);
    settle_ = rate_hz_ * kSettleMs / 1'000;
    restart_gate();
}

void Recorder::restart_gate() {
    pre_roll_.clear();
    given_ = before_gate_ = 0;
    is_gated_ = false;
    if (has_gate_) gate_.emplace(rate_hz_, gate_settings_);
}

bool Recorder::start(RecordingInfo info, std::uint32_t samples) {
    const auto before = static_cast<std::uint32_t>(std::min<std::size_t>(before_gate_, pre_roll_.size()));
    const std::uint64_t before_ms = std::uint64_t{before} * 1'000 / rate_hz_;
    info.sample_rate_hz = rate_hz_;
    info.started_ms -= std::min(info.started_ms, before_ms);
    if (info.captured_unix_ms) *info.captured_unix_ms -= static_cast<std::int64_t>(before_ms);
    // The first sample is the first that is kept: the microphone settles before it.
    const std::uint64_t settle_ms = std::uint64_t{settle_} * 1'000 / rate_hz_;
    info.started_ms += settle_ms;
    if (info.captured_unix_ms) *info.captured_unix_ms += static_cast<std::int64_t>(settle_ms);
    if (!buffer_.begin(info)) return false;
    is_gated_ = before_gate_ > 0;
    before_gate_ = 0;
    wanted_ = is_gated_ ? 0 : samples;
    if (is_gated_) pre_roll_.last(before, [this](auto part) { buffer_.append(part); });
    return true;
}

void Recorder::on_samples_lost(std::uint32_t count) {
    if (settle_ > 0)
        settle_ -= std::min(settle_, count);
    else if (is_recording())
        buffer_.append_lost(std::min(count, left()));
    else
        restart_gate();
}

Recorder::Outcome Recorder::process(std::span<const std::int16_t>& samples) {
    if (settle_ > 0) {
        const std::size_t dropped = std::min<std::size_t>(settle_, samples.size());
        settle_ -= static_cast<std::uint32_t>(dropped);
        samples = samples.subspan(dropped);
        return Outcome::kNone;
    }
    return is_recording() ? process_recording(samples) : process_idle(samples);
}

Recorder::Outcome Recorder::process_idle(std::span<const std::int16_t>& samples) {
    const auto given = samples;
    const auto event = has_gate_ ? gate_->step(samples) : std::nullopt;
    if (!has_gate_) samples = samples.last(0);
    const auto taken = given.first(given.size() - samples.size());
    meter_->push(taken);
    pre_roll_.push(taken);
    given_ += static_cast<std::uint32_t>(taken.size());
    before_gate_ = 0;  // an opening without a recording is over
    if (!event || event->edge != GateEdge::kOpened) return Outcome::kNone;
    before_gate_ = given_ - event->sample;
    return Outcome::kOpened;
}

std::uint32_t Recorder::left() const {
    const std::uint32_t length = buffer_.current()->length();
    const bool is_open = is_gated_ || wanted_ == 0;
    return is_open ? kMaxSamples - length : wanted_ - std::min(length, wanted_);
}

Recorder::Outcome Recorder::process_recording(std::span<const std::int16_t>& samples) {
    const auto given = samples;
    std::optional<GateEvent> event;
    if (is_gated_) {
        event = gate_->step(samples);
    } else {
        samples = samples.subspan(std::min<std::size_t>(left(), samples.size()));
    }
    const auto taken = given.first(given.size() - samples.size());
    meter_->push(taken);
    given_ += static_cast<std::uint32_t>(taken.size());
    const bool is_full = buffer_.append(taken) < taken.size();
    const bool is_whole = !is_gated_ && wanted_ != 0 && buffer_.current()->length() >= wanted_;
    if (!event && !is_full && !is_whole) return Outcome::kNone;
    const bool keeps_gate = is_gated_ && event;
    buffer_.finish();
    is_gated_ = false;
    if (keeps_gate)
        pre_roll_.clear();  // it belongs to the previous event
    else
        restart_gate();
    return Outcome::kEnded;
}

void Recorder::stop() {
    if (!is_recording()) return;
    if (buffer_.current()->length() == 0)
        buffer_.cancel();
    else
        buffer_.finish();
    restart_gate();
}

}  // namespace stetho
