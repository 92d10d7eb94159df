#include "core/signal/microphone_check.h"

#include <algorithm>
#include <cstddef>

namespace stetho {
namespace {

constexpr std::int32_t kFullScale24 = 0x7F'FF00;  // 16-bit full scale in 24 bits
constexpr std::uint32_t kTooLoudPart = 50;        // one in so many samples
constexpr std::uint32_t kRandomSize = 0x10'0000;  // mean of an eighth of full scale: 100 dB at an INMP441

std::uint32_t size_of(std::int32_t value) { return static_cast<std::uint32_t>(value < 0 ? -value : value); }

bool is_full_scale(std::int32_t sample_24) { return sample_24 >= kFullScale24 || sample_24 <= -kFullScale24; }

}  // namespace

const char* to_string(MicrophoneState state) {
    constexpr const char* kWords[] = {"ok", "silent", "stuck", "too loud", "loose"};
    return kWords[static_cast<std::size_t>(state)];
}

void MicrophoneCheck::push(std::span<const std::int32_t> slots) {
    for (const std::int32_t slot : slots) step(slot >> 8);
}

void MicrophoneCheck::step(std::int32_t sample_24) {
    lowest_ = count_ == 0 ? sample_24 : std::min(lowest_, sample_24);
    highest_ = count_ == 0 ? sample_24 : std::max(highest_, sample_24);
    clipped_ += is_full_scale(sample_24) ? 1 : 0;
    sizes_ += size_of(sample_24);
    if (count_ > 0) steps_ += size_of(sample_24 - last_);
    last_ = sample_24;
    if (++count_ >= window_samples_) close_window();
}

// Returns whether the bits are random: sound that is so loud is lower than a sixth of the rate, so that
// neighbours are alike; random ones differ by 4/3 of their size on average.
bool MicrophoneCheck::is_random() const {
    return sizes_ > std::uint64_t{kRandomSize} * count_ && steps_ > sizes_;
}

void MicrophoneCheck::close_window() {
    // Values one 24-bit step apart count as the same: a working microphone is never that quiet (the noise of
    // an INMP441 is 300 steps).
    if (highest_ - lowest_ <= 1) {
        state_ = is_full_scale(lowest_) ? MicrophoneState::kStuck : MicrophoneState::kSilent;
    } else {
        const bool is_loud = std::uint64_t{clipped_} * kTooLoudPart >= count_;
        state_ = is_loud       ? MicrophoneState::kTooLoud
                 : is_random() ? MicrophoneState::kLoose
                               : MicrophoneState::kOk;
    }
    count_ = 0;
    clipped_ = 0;
    sizes_ = 0;
    steps_ = 0;
}

}  // namespace stetho
