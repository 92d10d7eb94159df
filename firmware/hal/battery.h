// Interface to the battery, as far as a board can measure it; core makes a level of it.
#pragma once

#include <cstdint>
#include <optional>

namespace stetho::hal {

enum class Charging : std::uint8_t { kUnknown, kNo, kYes };

struct BatteryReading {
    std::uint16_t millivolts = 0;  // of the cell
    Charging charging = Charging::kUnknown;
};

class Battery {
  public:
    virtual ~Battery() = default;

    // Measures the battery, in at most 1 ms. Nothing: there is none, or the board cannot measure it.
    virtual std::optional<BatteryReading> read() = 0;
};

// Board that has no battery, or nothing to measure it with.
class NoBattery final : public Battery {
  public:
    std::optional<BatteryReading> read() override { return std::nullopt; }
};

}  // namespace stetho::hal
