// Exponential back-off with jitter: how long to wait before the next try, so that a thousand devices do not
// reconnect in the same second. One task.
#pragma once

#include <cstdint>

namespace stetho {

// "Equal jitter": the n-th wait is drawn evenly from [d/2, d], d = first · 2^(n-1), at most `most`.
class Backoff {
  public:
    // Milliseconds; 2 ≤ first ≤ most.
    constexpr Backoff(std::uint32_t first_ms, std::uint32_t most_ms)
        : first_ms_(first_ms), most_ms_(most_ms), next_ms_(first_ms) {}

    // Returns the wait before the next try, milliseconds. `random`: 32 even random bits.
    std::uint32_t next(std::uint32_t random);

    // Starts again with the first wait, after a success.
    constexpr void reset() { next_ms_ = first_ms_; }

  private:
    std::uint32_t first_ms_;
    std::uint32_t most_ms_;
    std::uint32_t next_ms_;
};

}  // namespace stetho
