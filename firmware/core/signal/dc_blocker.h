// DC blocker: a one-pole high-pass filter at about 3 Hz that removes the constant offset of a microphone, in
// integers.
#pragma once

#include <cstdint>

namespace stetho {

// y = x - m, where m follows x with a time constant of 2^k samples. One thread.
class DcBlocker {
  public:
    // Chooses k from `sample_rate_hz` so that the corner frequency, rate / (2 pi 2^k), is the highest under 4
    // Hz.
    explicit DcBlocker(std::uint32_t sample_rate_hz);

    // Filters one sample of at most 24 bits; returns it without the mean (25 bits).
    std::int32_t step(std::int32_t sample);
    // Starts again: the next sample sets the mean, so that an offset does not start with a step.
    void reset() { is_set_ = false; }

  private:
    std::int64_t mean_ = 0;  // in 1/65536 of a sample
    std::uint8_t shift_;
    bool is_set_ = false;
};

}  // namespace stetho
