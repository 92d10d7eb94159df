// Recorder: turns blocks of samples into recordings, with pre-roll, gate, length and level. One task calls
// it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "core/signal/gate.h"
#include "core/signal/level_meter.h"
#include "core/storage/recording_buffer.h"
#include "core/storage/settings.h"

namespace stetho {

// Buffer of the last samples, as many as the memory holds.
class PreRoll {
  public:
    explicit PreRoll(std::span<std::int16_t> memory) : memory_(memory) {}

    void push(std::span<const std::int16_t> samples);
    void clear() { size_ = 0; }
    std::size_t size() const { return size_; }
    // Calls `take(span)` twice, for the newest `count` samples (at most `size`), oldest first; one of the
    // spans may be empty.
    template <class Take>
    void last(std::size_t count, Take take) const {
        count = std::min(count, size_);
        const std::size_t at_end = count > end_ ? count - end_ : 0;  // samples at the end of the memory
        const std::size_t at_front = count - at_end;
        take(std::span<const std::int16_t>(memory_.last(at_end)));
        take(std::span<const std::int16_t>(memory_.subspan(end_ - at_front, at_front)));
    }

  private:
    std::span<std::int16_t> memory_;
    std::size_t end_ = 0;  // where the next sample goes
    std::size_t size_ = 0;
};

class Recorder {
  public:
    // Time after its start until the output of a microphone is valid.
    static constexpr std::uint32_t kSettleMs = 300;

    // Outcome of `process`.
    enum class Outcome : std::uint8_t {
        kNone,
        kOpened,  // the gate has opened: start, or not
        kEnded,   // the length is reached, the gate has closed, or memory is full
    };

    Recorder(RecordingBuffer& buffer, std::span<std::int16_t> pre_roll)
        : buffer_(buffer), pre_roll_(pre_roll) {}

    // Starts to process samples with `settings`.
    void begin(const Settings& settings);

    // Starts a recording of `samples` samples (0: until `stop`) with the next sample or, right after kOpened,
    // with those before the gate opened. `info` is that of a recording that starts with the next sample; the
    // pre-roll moves its times back. False: no room.
    bool start(RecordingInfo info, std::uint32_t samples);

    // Call it when kOpened is not followed by a recording.
    void decline() { before_gate_ = 0; }

    // Consumes samples from the front of `samples`, up to the next outcome. Call it until none is left.
    Outcome process(std::span<const std::int16_t>& samples);

    // Handles `count` samples that were lost before the next ones.
    void on_samples_lost(std::uint32_t count);

    // Ends the recording with the last sample that came; one without any sample is erased.
    void stop();

    bool is_recording() const { return buffer_.is_recording(); }
    // Returns whether the gate, not a length, ends the recording that is being made.
    bool is_gated() const { return is_gated_; }
    const Level& level() const { return meter_->level(); }
    std::uint32_t rate_hz() const { return rate_hz_; }

  private:
    Outcome process_idle(std::span<const std::int16_t>& samples);
    Outcome process_recording(std::span<const std::int16_t>& samples);
    std::uint32_t left() const;  // samples that the recording still needs
    void restart_gate();

    RecordingBuffer& buffer_;
    PreRoll pre_roll_;
    std::optional<LevelMeter> meter_;
    std::optional<Gate> gate_;
    GateSettings gate_settings_;
    std::uint32_t rate_hz_ = 0;
    std::uint32_t settle_ = 0;       // samples to discard until the microphone has settled
    std::uint32_t wanted_ = 0;       // length of the recording; 0: open
    std::uint32_t given_ = 0;        // samples that the gate has processed
    std::uint32_t before_gate_ = 0;  // right after kOpened: samples of the pre-roll that belong to the event
    bool has_gate_ = false;
    bool is_gated_ = false;  // the gate ends this recording
};

}  // namespace stetho
