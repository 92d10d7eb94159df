// Button that lines of text press. It stays as it is until the device saw it, however slow the machine is: a time by
// itself is over between two turns of a program that was not given the processor.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace stetho::posix {

class ScriptedButton {
  public:
    // Presses the button at `at_ms`, or later, until the device has seen it down, and then for `for_ms`.
    void press(std::uint64_t at_ms, std::uint64_t for_ms) {
        changes_.push_back({at_ms, 0, true});
        changes_.push_back({at_ms, for_ms, false});
    }

    // Returns the next change of level, when its time has come.
    std::optional<bool> change(std::uint64_t now_ms) {
        if (changes_.empty() || changes_.front().at_ms > now_ms) return std::nullopt;
        if (is_used_ && (!seen_ms_ || turn_ms_ < *seen_ms_ + changes_.front().for_ms)) return std::nullopt;
        const bool is_down = changes_.front().is_down;
        changes_.pop_front();
        is_used_ = true;
        changed_ms_ = now_ms;
        seen_ms_.reset();
        return is_down;
    }

    // Call it with the time at which the device looked at the button.
    void seen(std::uint64_t now_ms) {
        turn_ms_ = now_ms;
        if (!seen_ms_ && now_ms >= changed_ms_ + kSettledMs) seen_ms_ = now_ms;
    }

  private:
    struct Change {
        std::uint64_t at_ms;
        std::uint64_t for_ms;  // how long the level before it lasts after the device saw it
        bool is_down;
    };

    static constexpr std::uint64_t kSettledMs = 50;  // more than the debouncer wants

    std::deque<Change> changes_;
    std::uint64_t changed_ms_ = 0;
    std::uint64_t turn_ms_ = 0;
    std::optional<std::uint64_t> seen_ms_;  // when the device saw the last change
    bool is_used_ = false;
};

}  // namespace stetho::posix
