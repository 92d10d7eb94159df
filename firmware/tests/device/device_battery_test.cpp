#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

void set_battery(DeviceFixture& fixture, std::uint16_t millivolts,
                 hal::Charging charging = hal::Charging::kNo) {
    fixture.battery.reading = hal::BatteryReading{millivolts, charging};
    fixture.run(300'000);  // the mean follows slowly
}

std::string telemetry(DeviceFixture& fixture) {
    fixture.run(31'000);
    return fixture.mqtt.of("/up/telemetry").back().text();
}

constexpr std::string_view kUpdate = R"({"id":"u","command":"update","args":{"url":"https://host/image.bin"}})";

}  // namespace

TEST_CASE("the level of the battery is in telemetry and on the screen; without one there is nothing") {
    DeviceFixture none;
    none.make_ready();
    CHECK(telemetry(none).find("battery") == std::string::npos);
    CHECK(none.mqtt.of("/up/info").back().text().find("battery") == std::string::npos);
    CHECK_FALSE(none.device.screen().rows()[0].battery);

    DeviceFixture fixture;
    fixture.battery.reading = hal::BatteryReading{3'840, hal::Charging::kUnknown};
    fixture.make_ready();
    CHECK(telemetry(fixture).ends_with(R"("battery_percent":50,"battery_mv":3840})"));
    CHECK(fixture.mqtt.of("/up/info").back().text().find(R"("battery":true)") != std::string::npos);
    CHECK(fixture.device.screen().rows()[0].battery->percent == 50);
    set_battery(fixture, 3'840, hal::Charging::kYes);
    CHECK(telemetry(fixture).ends_with(R"("battery_mv":3840,"charging":true})"));
}

TEST_CASE("META of a recording has the level of the battery at its start, where there is a battery") {
    DeviceFixture none;
    none.make_ready();
    none.press_button();
    none.run(1'500);
    CHECK(none.received()[none.newest()].meta.find("battery") == std::string::npos);

    DeviceFixture fixture;
    fixture.battery.reading = hal::BatteryReading{3'840, hal::Charging::kNo};
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'500);
    CHECK(fixture.received()[fixture.newest()].meta.find(R"("battery_percent":50)") != std::string::npos);
}

TEST_CASE("a battery that is low says so, and refuses updates only") {
    DeviceFixture fixture;
    fixture.make_ready();
    set_battery(fixture, 3'680);
    CHECK(fixture.shows("battery low: charge"));
    fixture.down("command", std::string(kUpdate));
    fixture.run(100);
    CHECK(fixture.ota.url.empty());
    CHECK(fixture.state() == State::kError);
    CHECK(fixture.shows("charge it, then"));
    fixture.run(16'000);
    CHECK(fixture.state() == State::kReady);
    fixture.press_button();
    fixture.run(1'500);
    CHECK(fixture.received()[fixture.newest()].is_complete());
    fixture.control("stored", fixture.newest());
    fixture.result(fixture.newest());
    fixture.run(61'000);
    set_battery(fixture, 3'680, hal::Charging::kYes);
    fixture.down("command", R"({"id":"v","command":"update","args":{"url":"https://host/image.bin"}})");
    CHECK(fixture.ota.url == "https://host/image.bin");
}

TEST_CASE("an empty battery begins no recording, and ends none") {
    DeviceFixture fixture;
    fixture.battery.reading = hal::BatteryReading{3'900, hal::Charging::kNo};
    fixture.make_ready();
    fixture.press_button();
    fixture.battery.reading->millivolts = 2'800;
    fixture.run(1'500);
    CHECK(fixture.received()[fixture.newest()].is_complete());
    fixture.control("stored", fixture.newest());
    fixture.result(fixture.newest());
    set_battery(fixture, 3'200);
    CHECK(fixture.shows("battery empty"));
    CHECK_FALSE(fixture.shows("press to record"));
    const auto before = fixture.received().size();
    fixture.press_button();
    fixture.run(200);
    CHECK(fixture.state() == State::kError);
    CHECK(fixture.shows("charge it, then"));
    fixture.run(16'000);
    fixture.down("command", R"({"id":"a","command":"record"})");
    fixture.run(200);
    CHECK(fixture.shows("charge it, then"));
    CHECK(fixture.received().size() == before);
    fixture.run(16'000);
    set_battery(fixture, 3'700, hal::Charging::kYes);
    fixture.press_button();
    fixture.run(1'500);
    CHECK(fixture.received().size() == before + 1);
}
