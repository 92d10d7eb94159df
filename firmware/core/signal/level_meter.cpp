#include "core/signal/level_meter.h"

#include <algorithm>
#include <limits>

#include "core/signal/sample_conversion.h"

namespace stetho {
namespace {

constexpr std::int32_t kFullScale24 = 0x7F'FF00;  // what 16-bit full scale is in 24 bits
constexpr std::uint32_t kTooLoudPart = 50;        // one in so many samples

// Returns the integer square root, bit by bit.
std::uint32_t square_root(std::uint32_t number) {
    std::uint32_t root = 0;
    for (std::uint32_t bit = 1U << 15; bit != 0; bit >>= 1) {
        const std::uint32_t guess = root | bit;
        if (guess * guess <= number) root = guess;
    }
    return root;
}

bool is_full_scale(std::int32_t sample_24) { return sample_24 >= kFullScale24 || sample_24 <= -kFullScale24; }

}  // namespace

LevelMeter::LevelMeter(std::uint32_t sample_rate_hz)
    : block_samples_(std::max<std::uint32_t>(1, sample_rate_hz / 10)) {}

void LevelMeter::push(std::span<const std::int16_t> samples) {
    for (const std::int32_t sample : samples) {
        squares_ += static_cast<std::uint32_t>(sample * sample);
        peak_ = std::max(peak_, static_cast<std::uint16_t>(sample < 0 ? -sample : sample));
        clipped_ += is_clipped(static_cast<std::int16_t>(sample)) ? 1 : 0;
        if (++count_ == block_samples_) close_block();
    }
}

void LevelMeter::close_block() {
    level_.rms = static_cast<std::uint16_t>(square_root(static_cast<std::uint32_t>(squares_ / count_)));
    level_.peak = peak_;
    level_.clipped_permille = static_cast<std::uint16_t>(std::uint64_t{clipped_} * 1000 / count_);
    count_ = 0;
    squares_ = 0;
    clipped_ = 0;
    peak_ = 0;
}

const char* to_string(MicrophoneState state) {
    constexpr const char* kWords[] = {"ok", "silent", "stuck", "too loud"};
    return kWords[static_cast<std::size_t>(state)];
}

void MicrophoneCheck::push(std::span<const std::int32_t> slots) {
    for (const std::int32_t slot : slots) step(slot >> 8);
}

void MicrophoneCheck::step(std::int32_t sample_24) {
    lowest_ = count_ == 0 ? sample_24 : std::min(lowest_, sample_24);
    highest_ = count_ == 0 ? sample_24 : std::max(highest_, sample_24);
    clipped_ += is_full_scale(sample_24) ? 1 : 0;
    if (++count_ >= window_samples_) close_window();
}

void MicrophoneCheck::close_window() {
    // One step of 24 bits apart is the same: a microphone that works is never so quiet (an INMP441 by 300
    // steps).
    if (highest_ - lowest_ <= 1) {
        state_ = is_full_scale(lowest_) ? MicrophoneState::kStuck : MicrophoneState::kSilent;
    } else {
        const bool is_loud = std::uint64_t{clipped_} * kTooLoudPart >= count_;
        state_ = is_loud ? MicrophoneState::kTooLoud : MicrophoneState::kOk;
    }
    count_ = 0;
    clipped_ = 0;
}

}  // namespace stetho
