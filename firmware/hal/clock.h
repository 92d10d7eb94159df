// Interface to two clocks: a monotonic one, and the time of day once it is known.
#pragma once

#include <cstdint>
#include <optional>

namespace stetho::hal {

class Clock {
  public:
    virtual ~Clock() = default;

    // Returns milliseconds since the start of the device; never goes back.
    virtual std::uint64_t now_ms() = 0;

    // Returns milliseconds since 1970-01-01T00:00:00Z; nothing before the clock was set. May jump either way.
    virtual std::optional<std::int64_t> utc_ms() = 0;

    // Sets the clock by which certificates are checked, if it is behind `utc_ms`. `utc_ms()` stays unknown.
    virtual void start_at(std::int64_t utc_ms) = 0;
};

}  // namespace stetho::hal
