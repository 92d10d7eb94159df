// Check of whether the microphone works: silent, stuck, loose or too loud.
#pragma once

#include <cstdint>
#include <span>

namespace stetho {

enum class MicrophoneState : std::uint8_t {
    kOk,
    kSilent,   // the same value for half a second: nothing on the data line, no clock, no power
    kStuck,    // the same value at full scale for half a second: data line high, or shorted
    kTooLoud,  // a fiftieth or more of the last half second at full scale
    kLoose,    // random bits for half a second: the data line is connected to nothing
};

// Returns the text for a person: "ok", "silent", "stuck", "too loud", "loose".
const char* to_string(MicrophoneState state);

// Checks the samples of the microphone before any filter. One thread.
class MicrophoneCheck {
  public:
    explicit MicrophoneCheck(std::uint32_t sample_rate_hz) : window_samples_(sample_rate_hz / 2) {}
    void push(std::span<const std::int32_t> slots);  // 32-bit slots, upper 24 bits used
    MicrophoneState state() const { return state_; }

  private:
    void step(std::int32_t sample_24);
    void close_window();
    bool is_random() const;

    std::uint32_t window_samples_;
    std::uint32_t count_ = 0;
    std::uint32_t clipped_ = 0;
    std::int32_t lowest_ = 0;
    std::int32_t highest_ = 0;
    std::int32_t last_ = 0;
    std::uint64_t sizes_ = 0;  // sum of all samples without their signs
    std::uint64_t steps_ = 0;  // sum of the differences between neighbours without their signs
    MicrophoneState state_ = MicrophoneState::kOk;
};

}  // namespace stetho
