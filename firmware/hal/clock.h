// Two clocks: one that only runs on, and one that knows the time of day when somebody told it.
#pragma once

#include <cstdint>
#include <optional>

namespace stetho::hal {

class Clock {
  public:
    virtual ~Clock() = default;

    // Milliseconds since the start of the device; never goes back.
    virtual std::uint64_t now_ms() = 0;

    // Milliseconds since 1970-01-01T00:00:00Z; none before the clock was set. May jump either way.
    virtual std::optional<std::int64_t> utc_ms() = 0;
};

}  // namespace stetho::hal
