#include "core/signal/battery_gauge.h"

#include <doctest/doctest.h>

using namespace stetho;
using hal::Charging;

namespace {

// Lets the gauge settle on a voltage.
void settle(BatteryGauge& gauge, std::uint16_t millivolts, Charging charging = Charging::kNo) {
    for (int count = 0; count < 60; ++count) gauge.update(hal::BatteryReading{millivolts, charging});
}

}  // namespace

TEST_CASE("the level of a LiPo cell rises with its voltage, from 0 to 100 percent") {
    CHECK(lipo_percent(0) == 0);
    CHECK(lipo_percent(3'270) == 0);
    CHECK(lipo_percent(3'840) == 50);
    CHECK(lipo_percent(3'855) == 55);
    CHECK(lipo_percent(4'200) == 100);
    CHECK(lipo_percent(9'000) == 100);
    for (std::uint32_t at = 3'000; at < 4'400; ++at) CHECK(lipo_percent(at) <= lipo_percent(at + 1));
}

TEST_CASE("no battery is a valid answer, and so is a voltage that no cell has") {
    BatteryGauge gauge;
    CHECK_FALSE(gauge.level());
    CHECK(gauge.state() == BatteryState::kOk);
    for (const unsigned millivolts : {0U, 300U, 2'499U, 4'501U, 65'535U}) {
        settle(gauge, 3'000);
        CHECK(gauge.state() == BatteryState::kEmpty);
        gauge.update(hal::BatteryReading{static_cast<std::uint16_t>(millivolts), Charging::kNo});
        CHECK_FALSE(gauge.level());
        CHECK(gauge.state() == BatteryState::kOk);
    }
    settle(gauge, 3'900);
    gauge.update(std::nullopt);
    CHECK_FALSE(gauge.level());
}

TEST_CASE("a moment of the radio's current does not make a battery empty") {
    BatteryGauge gauge;
    settle(gauge, 3'700);
    for (int count = 0; count < 20; ++count) {
        gauge.update(hal::BatteryReading{3'100, Charging::kNo});
        CHECK(gauge.state() != BatteryState::kEmpty);
        settle(gauge, 3'700);
    }
}

TEST_CASE("low and empty begin and end at different levels, and end while it is charged") {
    BatteryGauge gauge;
    settle(gauge, 3'800);
    CHECK(gauge.state() == BatteryState::kOk);
    settle(gauge, 3'700);
    CHECK(gauge.state() == BatteryState::kLow);
    CHECK(gauge.level()->percent < 15);
    settle(gauge, 3'725);  // it recovers a little when nothing is sent
    CHECK(gauge.state() == BatteryState::kLow);
    settle(gauge, 3'250);
    CHECK(gauge.state() == BatteryState::kEmpty);
    settle(gauge, 3'450);
    CHECK(gauge.state() == BatteryState::kEmpty);
    settle(gauge, 3'450, Charging::kYes);
    CHECK(gauge.state() == BatteryState::kOk);
    CHECK(gauge.level()->charging == Charging::kYes);
    settle(gauge, 3'550);
    CHECK(gauge.state() == BatteryState::kLow);
    settle(gauge, 3'760);
    CHECK(gauge.state() == BatteryState::kOk);
}
