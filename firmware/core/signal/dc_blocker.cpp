#include "core/signal/dc_blocker.h"

namespace stetho {
namespace {

constexpr int kFractionBits = 16;

// Returns the smallest k with rate / (2 pi 2^k) < 4 Hz.
std::uint8_t shift_of(std::uint32_t sample_rate_hz) {
    std::uint8_t shift = 0;
    while (sample_rate_hz / (8 * 22 / 7) >= (1U << shift)) ++shift;  // 2 pi 4 Hz = 25.1
    return shift;
}

}  // namespace

DcBlocker::DcBlocker(std::uint32_t sample_rate_hz) : shift_(shift_of(sample_rate_hz)) {}

std::int32_t DcBlocker::step(std::int32_t sample) {
    const std::int64_t input = std::int64_t{sample} * (1 << kFractionBits);
    if (!is_set_) mean_ = input;
    is_set_ = true;
    mean_ += (input - mean_) >> shift_;
    return sample - static_cast<std::int32_t>(mean_ >> kFractionBits);
}

}  // namespace stetho
