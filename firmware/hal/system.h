// The chip itself: what telemetry tells about it, and how it is started again.
#pragma once

#include <cstdint>
#include <string_view>

namespace stetho::hal {

class System {
  public:
    virtual ~System() = default;

    // Bytes of memory that nobody uses.
    virtual std::uint32_t free_heap_bytes() = 0;

    // Why it started: "power-on", "panic", "watchdog", "brownout", "software", …
    virtual std::string_view reset_reason() = 0;

    // Starts the device again. Returns on hosts only.
    virtual void restart() = 0;
};

}  // namespace stetho::hal
