// Takes the constant part out of what a microphone delivers: a one-pole high pass at about 3 Hz, in integers.
#pragma once

#include <cstdint>

namespace stetho {

// y = x - m, where m follows x with a time constant of 2^k samples. One thread.
class DcBlocker {
  public:
    // `sample_rate_hz` chooses k so that the corner, rate / (2 pi 2^k), is the highest under 4 Hz.
    explicit DcBlocker(std::uint32_t sample_rate_hz);

    // Takes one sample of at most 24 bits and returns it without its mean (25 bits).
    std::int32_t step(std::int32_t sample);
    // The next sample sets the mean anew, so that an offset does not start with a thump.
    void reset() { is_set_ = false; }

  private:
    std::int64_t mean_ = 0;  // in 1/65536 of a sample
    std::uint8_t shift_;
    bool is_set_ = false;
};

}  // namespace stetho
