#include "core/signal/microphone_check.h"

#include <algorithm>
#include <cstddef>

namespace stetho {
namespace {

constexpr std::int32_t kFullScale24 = 0x7F'FF00;  // 16-bit full scale in 24 bits
constexpr std::uint32_t kTooLoudPart = 50;        // one in so many samples

bool is_full_scale(std::int32_t sample_24) { return sample_24 >= kFullScale24 || sample_24 <= -kFullScale24; }

}  // namespace

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
    // Values one 24-bit step apart count as the same: a working microphone is never that quiet (the noise of
    // an INMP441 is 300 steps).
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
