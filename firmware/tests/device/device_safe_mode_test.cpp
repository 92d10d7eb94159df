#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

// Device of which so many starts have crashed; this one follows them.
struct SafeFixture : DeviceFixture {
    explicit SafeFixture(int crashes = 3) : DeviceFixture(test_settings(), 64 * 512, 500, false, 50) {
        storage.values["failed_starts"] = std::to_string(crashes - 1);
        system.reason = "watchdog";
        device.begin();
        run(100);
    }
};

}  // namespace

TEST_CASE("safe mode calls the broker, says what it is, and records nothing") {
    SafeFixture fixture;
    CHECK(fixture.state() == State::kSafeMode);
    CHECK(fixture.shows("3 starts failed"));
    CHECK(fixture.shows("watchdog"));
    CHECK(fixture.audio.hz == 0);
    fixture.connect();
    fixture.worker("ready");
    fixture.run(500);
    CHECK(fixture.state() == State::kSafeMode);
    CHECK(fixture.mqtt.of("/up/state").back().text().find("\"safe_mode\":true") != std::string::npos);
    CHECK(fixture.mqtt.of("/up/info").back().text().find("\"safe_mode\":true") != std::string::npos);
    fixture.down("command", R"({"id":"1","command":"record","args":{"seconds":1}})");
    fixture.run(2'000);
    CHECK(fixture.state() == State::kSafeMode);
    CHECK(fixture.system.restarts == 0);
    CHECK(fixture.mqtt.of("/up/pcm").empty());
    CHECK(fixture.flash.steps == 0);
}

TEST_CASE("safe mode ends by a press, by new settings, by itself after ten minutes, and by an update") {
    SUBCASE("press") {
        SafeFixture fixture;
        fixture.press_button();
        CHECK(fixture.system.restarts == 1);
        CHECK(fixture.state() == State::kConnecting);
        CHECK(fixture.audio.hz != 0);
    }
    SUBCASE("settings by the console") {
        SafeFixture fixture;
        fixture.form("host=other");
        fixture.run(100);
        CHECK(fixture.system.restarts == 1);
        CHECK(fixture.device.settings().host == "other");
        CHECK(fixture.state() == State::kConnecting);
    }
    SUBCASE("settings by the access point") {
        SafeFixture fixture;
        fixture.press_button(3'500);
        CHECK(fixture.state() == State::kProvision);
        fixture.form("host=other");
        fixture.run(100);
        CHECK(fixture.system.restarts == 1);
        CHECK(fixture.state() == State::kConnecting);
    }
    SUBCASE("time") {
        SafeFixture fixture;
        fixture.run(610'000);
        CHECK(fixture.system.restarts == 1);
        CHECK(fixture.state() != State::kSafeMode);
    }
    SUBCASE("update") {
        SafeFixture fixture;
        fixture.connect();
        fixture.down("command", R"({"id":"1","command":"update","args":{"url":"https://site/image.bin"}})");
        fixture.run(100);
        CHECK(fixture.state() == State::kUpdating);
        fixture.device.on(Event::ota(hal::OtaStep::kFailed, 0));
        fixture.run(20'000);
        CHECK(fixture.state() == State::kSafeMode);  // the old firmware is as it was
        fixture.down("command", R"({"id":"2","command":"update","args":{"url":"https://site/image.bin"}})");
        fixture.run(100);
        fixture.device.on(Event::ota(hal::OtaStep::kReady, 100));
        CHECK(fixture.system.restarts == 1);
    }
}

TEST_CASE("a start that crashed in safe mode, too, opens the access point and calls no broker") {
    SafeFixture fixture(4);
    CHECK(fixture.state() == State::kProvision);
    CHECK_FALSE(fixture.network.access_point.empty());
    CHECK(fixture.mqtt.connects == 0);
    fixture.press_button(3'500);  // a person wants to go back
    CHECK(fixture.state() == State::kSafeMode);
    fixture.connect();
    CHECK(fixture.device.is_online());
}

TEST_CASE("a device that worked for five minutes without any network starts as usual after a crash") {
    DeviceFixture fixture;
    fixture.storage.values["failed_starts"] = "1";
    fixture.system.reason = "panic";
    fixture.network.up = false;
    fixture.device.begin();
    fixture.run(310'000);
    CHECK(fixture.storage.values["failed_starts"] == "0");
}

TEST_CASE("a new firmware is not confirmed by a start in safe mode") {
    DeviceFixture fixture;
    fixture.storage.values["failed_starts"] = "2";
    fixture.system.reason = "watchdog";
    fixture.ota.trial = true;
    fixture.device.begin();
    fixture.connect();
    CHECK(fixture.state() == State::kSafeMode);
    CHECK(fixture.ota.trial);
}
