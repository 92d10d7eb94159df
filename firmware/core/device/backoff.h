// How long to wait before the next try, so that a thousand devices do not come back in the same second.
#pragma once

#include <cstdint>

namespace stetho {

// Exponential with equal jitter: the n-th wait is drawn evenly from [d/2, d], d = first · 2^(n-1), at most
// `most`.
class Backoff {
  public:
    // Milliseconds; 2 ≤ first ≤ most.
    constexpr Backoff(std::uint32_t first_ms, std::uint32_t most_ms)
        : first_ms_(first_ms), most_ms_(most_ms), next_ms_(first_ms) {}

    // The wait before the next try, milliseconds. `random`: 32 even random bits.
    std::uint32_t next(std::uint32_t random);

    // It worked: begin anew.
    constexpr void reset() { next_ms_ = first_ms_; }

  private:
    std::uint32_t first_ms_;
    std::uint32_t most_ms_;
    std::uint32_t next_ms_;
};

}  // namespace stetho
