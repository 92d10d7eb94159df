#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("storage that is empty or damaged opens the access point, with a new password each time") {
    for (const bool is_damaged : {false, true}) {
        DeviceFixture fixture(std::nullopt);
        if (is_damaged) fixture.storage.values["settings"] = "host=broker\ndevice_id=st-01\ncrc=00000000\n";
        fixture.device.begin();
        fixture.run(100);
        CHECK(fixture.state() == State::kProvision);
        CHECK(fixture.network.access_point == "stetho-new");
        REQUIRE(fixture.network.passwords.size() == 1);
        CHECK(fixture.network.passwords[0].size() >= 12);
        CHECK(fixture.shows(fixture.network.passwords[0]));
        CHECK(fixture.mqtt.connects == 0);
        fixture.run(601'000);  // no one filled in the form
        CHECK(fixture.state() == State::kProvision);
        REQUIRE(fixture.network.passwords.size() == 2);
        CHECK(fixture.network.passwords[0] != fixture.network.passwords[1]);
    }
}

TEST_CASE("the form: a wrong one is refused on the screen, a right one is stored and taken") {
    DeviceFixture fixture(std::nullopt);
    fixture.device.begin();
    fixture.form("host=broker&port=99999&device_id=st-07");
    fixture.run(100);
    CHECK(fixture.shows("check: port"));
    CHECK(fixture.storage.values.empty());
    CHECK(fixture.device.settings() == Settings{});  // nothing of it is taken
    fixture.form("wifi_ssid=ward&wifi_password=password&host=broker&device_id=st-07&password=x");
    CHECK(fixture.system.restarts == 1);
    CHECK(fixture.state() == State::kConnecting);  // after the restart
    CHECK(fixture.network.joined == "ward");
    fixture.connect();
    CHECK(fixture.mqtt.username == "st-07");
}

TEST_CASE("storage that takes nothing says so") {
    DeviceFixture fixture(std::nullopt);
    fixture.storage.is_worn_out = true;
    fixture.device.begin();
    fixture.form("host=broker&device_id=st-07");
    fixture.run(100);
    CHECK(fixture.state() == State::kError);
    CHECK(fixture.shows("not saved"));
    fixture.run(16'000);
    CHECK(fixture.state() == State::kProvision);
}

TEST_CASE("a long press opens the settings; another one, or time, goes back, and loses nothing") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.disconnect();
    fixture.press_button();
    fixture.run(1'300);
    fixture.press_button(3'500);
    CHECK(fixture.state() == State::kProvision);
    CHECK(fixture.network.access_point == "stetho-st-01");
    fixture.press_button(3'500);
    CHECK(fixture.state() == State::kConnecting);
    CHECK(fixture.network.access_point.empty());
    fixture.press_button(3'500);
    fixture.form("host=other-broker");
    CHECK(fixture.system.restarts == 0);  // a recording is still here
    CHECK(fixture.state() == State::kConnecting);
    fixture.connect();
    CHECK(fixture.mqtt.host == "other-broker");
    fixture.run(2'000);
    const auto received = fixture.received();
    REQUIRE(received.size() == 1);
    CHECK(received.begin()->second.is_complete());
    fixture.control("stored", received.begin()->first);
    fixture.result(received.begin()->first);
    fixture.run(100);
    CHECK(fixture.system.restarts == 1);
}

TEST_CASE("settings by the serial line take effect after a restart") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.form("record_ms=2000");
    fixture.run(100);
    CHECK(fixture.system.restarts == 1);
    CHECK(fixture.device.settings().record_ms == 2'000);
    fixture.connect();
    fixture.form("record_ms=1");
    fixture.run(100);
    CHECK(fixture.state() == State::kError);
    CHECK(fixture.shows("bad settings"));
    CHECK(fixture.shows("record_ms"));
}

TEST_CASE("settings that are not taken never end a recording, and are told on the console") {
    for (const bool is_worn_out : {false, true}) {
        DeviceFixture fixture;
        fixture.make_ready();
        fixture.storage.is_worn_out = is_worn_out;
        fixture.press_button();
        fixture.run(300);
        REQUIRE(fixture.state() == State::kRecording);
        fixture.form(is_worn_out ? "record_ms=2000" : "record_ms=1");
        fixture.run(100);
        CHECK(fixture.state() == State::kRecording);
        CHECK(fixture.device.console() ==
              (is_worn_out ? "settings not taken: flash is full or worn out\n" : "settings not taken: record_ms\n"));
        fixture.run(2'000);
        CHECK(fixture.received().begin()->second.is_complete());
        CHECK(fixture.state() == State::kWaitResult);
    }
}

TEST_CASE("an access point or a network that cannot be begun is an error with a way out") {
    DeviceFixture fixture;
    fixture.network.can_begin = false;
    fixture.device.begin();
    fixture.run(100);
    CHECK(fixture.state() == State::kError);
    CHECK(fixture.shows("no Wi-Fi"));
    fixture.run(16'000);
    fixture.press_button(3'500);
    CHECK(fixture.state() == State::kError);
}

TEST_CASE("the password of the access point is drawn while the radio runs") {
    DeviceFixture fixture(std::nullopt);
    int drawn_before = 0;
    fixture.random.on_next = [&] { drawn_before += fixture.network.has_radio ? 0 : 1; };
    fixture.device.begin();
    fixture.run(100);
    REQUIRE(fixture.network.passwords.size() == 1);
    CHECK(drawn_before == 1);  // the id of this start
}

TEST_CASE("without an access point the screen says what to type on the console, and a form there is taken") {
    DeviceFixture fixture(std::nullopt);
    fixture.network.is_wireless = false;
    fixture.device.begin();
    fixture.run(100);
    CHECK(fixture.state() == State::kProvision);
    CHECK(fixture.shows("type on the console:"));
    CHECK(fixture.shows("set host=..."));
    CHECK(fixture.network.passwords.empty());
    fixture.form("host=two+words&device_id=st-07");
    fixture.run(100);
    CHECK(fixture.shows("check: host"));
    fixture.form("host=broker&device_id=st-07&password=x");
    CHECK(fixture.system.restarts == 1);
}
