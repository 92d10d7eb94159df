// Clock of the chip, and the time of day from an SNTP server. There is no battery: after a start the time of
// day is unknown until the server answers.
#pragma once

#include "esp/event_queue.h"
#include "hal/clock.h"

namespace stetho::esp {

class SystemClock final : public hal::Clock {
  public:
    // Synchronises with `server` from now on; each answer posts kClockSet. Call it when the network is up;
    // further calls do nothing.
    void begin(EventQueue& events, const char* server);

    std::uint64_t now_ms() override;
    std::optional<std::int64_t> utc_ms() override;
};

}  // namespace stetho::esp
