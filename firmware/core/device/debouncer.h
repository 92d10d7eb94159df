// Debouncer of a push button: tells short from long presses. One task.
#pragma once

#include <cstdint>

namespace stetho {

enum class ButtonPress : std::uint8_t {
    kNone,
    kShort,  // released before `long_ms`
    kLong,   // held for `long_ms`; returned once, while it is still down
};

// A level counts once it has been stable for `stable_ms`. Times are of one monotonic clock, milliseconds.
class Debouncer {
  public:
    explicit constexpr Debouncer(std::uint32_t stable_ms = 25, std::uint32_t long_ms = 3000)
        : stable_ms_(stable_ms), long_ms_(long_ms) {}

    // Processes the raw level `is_down`. Call it at every edge and at least every 10 ms or so while the
    // button is down or bounces.
    ButtonPress update(bool is_down, std::uint64_t now_ms);

    bool is_down() const { return is_down_; }

  private:
    ButtonPress settle(std::uint64_t now_ms);

    std::uint32_t stable_ms_;
    std::uint32_t long_ms_;
    std::uint64_t changed_at_ms_ = 0;  // when the raw level changed last
    std::uint64_t down_at_ms_ = 0;
    bool raw_ = false;
    bool is_down_ = false;
    bool is_told_ = false;  // this press was returned as a long one
};

}  // namespace stetho
