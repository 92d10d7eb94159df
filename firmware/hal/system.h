// Interface to the chip: free memory, stacks, the last error, reset reason, restart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace stetho::hal {

// Least that a task has ever had left of its stack, in bytes.
struct StackLeft {
    std::string_view task;  // its name; static
    std::uint32_t bytes = 0;
};

class System {
  public:
    virtual ~System() = default;

    // Returns the bytes of free memory.
    virtual std::uint32_t free_heap_bytes() = 0;

    // Writes what the tasks have left of their stacks, as far as that is known and fits. Returns the number.
    virtual std::size_t stacks_left(std::span<StackLeft> out) = 0;

    // Writes the newest error of the log since the start, as far as it fits. Returns its length; 0: none.
    virtual std::size_t last_error(std::span<char> out) = 0;

    // Returns why it started: "power-on", "panic", "watchdog", "brownout", "software", …
    virtual std::string_view reset_reason() = 0;

    // Returns where it crashed last, such as "capture at 0x42012345", if that is kept; empty: nothing is.
    virtual std::string_view last_crash() { return {}; }
    // Returns what no other board has: its MAC address, such as "24:6f:28:aa:bb:cc".
    virtual std::string_view board_id() = 0;

    // Lets the chip sleep between events, or not; core says which every turn. Returns whether it may sleep now: not where
    // it cannot, or while somebody is at the console by USB.
    virtual bool sleep(bool /*may*/) { return false; }

    // Restarts the device. Returns in tests only.
    virtual void restart() = 0;
};

}  // namespace stetho::hal
