// Gauge of the battery: its level, and whether it is low or empty. One task.
//
// The level is read from the voltage of the cell by a table of rest voltages of a single LiPo cell. The radio
// pulls the voltage down for moments and a charger pushes it up, so that it is averaged, and right to about
// ten percent.
#pragma once

#include <cstdint>
#include <optional>

#include "hal/battery.h"

namespace stetho {

enum class BatteryState : std::uint8_t {
    kOk,     // or there is none
    kLow,    // charge it soon; no updates
    kEmpty,  // no new recording: the board would fail in the middle of it
};

struct BatteryLevel {
    std::uint8_t percent = 0;
    std::uint16_t millivolts = 0;
    hal::Charging charging = hal::Charging::kUnknown;

    friend bool operator==(const BatteryLevel&, const BatteryLevel&) = default;
};

// Returns the level of a LiPo cell at rest, percent.
std::uint8_t lipo_percent(std::uint32_t millivolts);

class BatteryGauge {
  public:
    static constexpr std::uint32_t kEveryMs = 5'000;  // between two measurements

    // Takes a measurement; nothing, or a voltage that no LiPo cell has: there is no battery.
    void update(const std::optional<hal::BatteryReading>& reading);

    // Returns the level; nothing: there is no battery.
    std::optional<BatteryLevel> level() const;

    // While it is charged it is neither low nor empty.
    BatteryState state() const { return state_; }

  private:
    BatteryState next_state() const;

    std::uint32_t mean_mv_ = 0;  // 0: no battery
    hal::Charging charging_ = hal::Charging::kUnknown;
    BatteryState state_ = BatteryState::kOk;
};

}  // namespace stetho
