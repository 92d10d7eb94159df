// Guard of the starts: counts those in a row that ended in a crash before the device worked, so that one that crashes
// again and again can still be set up and updated (safe mode). One task.
//
// Only how a start ended counts, as the chip knows it: a panic, a watchdog, a brownout. Being switched off and on, by
// a person or by an empty battery, counts for nothing, nor does being out of reach of network or broker.
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/storage.h"

namespace stetho {

class StartGuard {
  public:
    static constexpr int kMostFailed = 3;
    // A start has worked when it was online for a minute, or up for five.
    static constexpr std::uint64_t kOnlineMs = 60'000;
    static constexpr std::uint64_t kUpMs = 300'000;

    explicit StartGuard(hal::Storage& storage) : storage_(storage) {}

    // Counts this start. `reset_reason`: how the one before ended (hal/system.h).
    void begin(std::string_view reset_reason);

    // Handles that the device has been up, and online without a break, for so long: from some time on it works.
    void tick(std::uint64_t up_ms, std::uint64_t online_ms);

    // Returns whether this start is to do no more than setting up and updating.
    bool is_safe_mode() const { return failed_ >= kMostFailed; }
    // Returns whether even such a start has crashed: then the broker is not called.
    bool is_broker_left_out() const { return failed_ > kMostFailed; }
    int failed() const { return failed_; }

  private:
    void store(int failed);

    hal::Storage& storage_;
    int failed_ = 0;
    bool has_worked_ = false;
};

}  // namespace stetho
