// The clock of the chip, and the time of day once an SNTP server told it. There is no battery: after a start
// the time of day is unknown until then.
#pragma once

#include "esp/event_queue.h"
#include "hal/clock.h"

namespace stetho::esp {

class SystemClock final : public hal::Clock {
  public:
    // Asks `server` for the time from now on; each answer posts kClockSet. The network is there; again:
    // nothing.
    void begin(EventQueue& events, const char* server);

    std::uint64_t now_ms() override;
    std::optional<std::int64_t> utc_ms() override;
};

}  // namespace stetho::esp
