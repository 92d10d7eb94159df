#include "core/signal/level_meter.h"

#include <algorithm>

#include "core/signal/sample_conversion.h"

namespace stetho {
namespace {

// Returns the integer square root of `number`, computed bit by bit.
std::uint32_t square_root(std::uint32_t number) {
    std::uint32_t root = 0;
    for (std::uint32_t bit = 1U << 15; bit != 0; bit >>= 1) {
        const std::uint32_t guess = root | bit;
        if (guess * guess <= number) root = guess;
    }
    return root;
}

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

}  // namespace stetho
