// Clock of the chip, and the time of day from a time server. There is no battery: after power-on the time of
// day is unknown until a server answers.
#pragma once

#include "esp/event_queue.h"
#include "hal/clock.h"

namespace stetho::esp {

class SystemClock final : public hal::Clock {
  public:
    // Prepares to ask the time server that the network names (DHCP option 42), else `server`. Before the
    // network is started: what DHCP says comes with the address. Each answer posts kClockSet.
    void begin(EventQueue& events, const char* server);

    // Asks from now on, when the network is up. Further calls do nothing.
    void ask();

    std::uint64_t now_ms() override;
    std::optional<std::int64_t> utc_ms() override;
    void start_at(std::int64_t utc_ms) override;

  private:
    bool is_asking_ = false;
};

}  // namespace stetho::esp
