// Interface to the chip: free memory, reset reason, restart.
#pragma once

#include <cstdint>
#include <string_view>

namespace stetho::hal {

class System {
  public:
    virtual ~System() = default;

    // Returns the bytes of free memory.
    virtual std::uint32_t free_heap_bytes() = 0;

    // Returns why it started: "power-on", "panic", "watchdog", "brownout", "software", …
    virtual std::string_view reset_reason() = 0;

    // Returns where it crashed last, such as "capture at 0x42012345", if that is kept; empty: nothing is.
    virtual std::string_view last_crash() { return {}; }
    // Returns what no other board has: its MAC address, such as "24:6f:28:aa:bb:cc".
    virtual std::string_view board_id() = 0;

    // Restarts the device. Returns on hosts only.
    virtual void restart() = 0;
};

}  // namespace stetho::hal
