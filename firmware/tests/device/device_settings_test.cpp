#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("storage that is empty or damaged opens the access point, with a new password each time") {
    for (const bool is_damaged : {false, true}) {
        Rig rig(std::nullopt);
        if (is_damaged) rig.storage.values["settings"] = "host=broker\ndevice_id=st-01\ncrc=00000000\n";
        rig.device.begin();
        rig.run(100);
        CHECK(rig.state() == State::kProvision);
        CHECK(rig.network.access_point == "stetho-new");
        REQUIRE(rig.network.passwords.size() == 1);
        CHECK(rig.network.passwords[0].size() >= 12);
        CHECK(rig.says(rig.network.passwords[0]));
        CHECK(rig.mqtt.connects == 0);
        rig.run(601'000);  // nobody came
        CHECK(rig.state() == State::kProvision);
        REQUIRE(rig.network.passwords.size() == 2);
        CHECK(rig.network.passwords[0] != rig.network.passwords[1]);
    }
}

TEST_CASE("the form: a wrong one is refused on the screen, a right one is stored and taken") {
    Rig rig(std::nullopt);
    rig.device.begin();
    rig.form("host=broker&port=99999&device_id=st-07");
    rig.run(100);
    CHECK(rig.says("check: port"));
    CHECK(rig.storage.values.empty());
    rig.form("wifi_ssid=ward&wifi_password=password&host=broker&device_id=st-07&password=x");
    CHECK(rig.system.restarts == 1);
    CHECK(rig.state() == State::kConnecting);  // after the restart
    CHECK(rig.network.joined == "ward");
    rig.connect();
    CHECK(rig.mqtt.username == "st-07");
}

TEST_CASE("storage that takes nothing says so") {
    Rig rig(std::nullopt);
    rig.storage.is_worn_out = true;
    rig.device.begin();
    rig.form("host=broker&device_id=st-07");
    rig.run(100);
    CHECK(rig.state() == State::kError);
    CHECK(rig.says("not saved"));
    rig.run(16'000);
    CHECK(rig.state() == State::kProvision);
}

TEST_CASE("a long press opens the settings; another one, or time, goes back, and loses nothing") {
    Rig rig;
    rig.make_ready();
    rig.cut();
    rig.push();
    rig.run(1'300);
    rig.push(3'500);
    CHECK(rig.state() == State::kProvision);
    CHECK(rig.network.access_point == "stetho-st-01");
    rig.push(3'500);
    CHECK(rig.state() == State::kConnecting);
    CHECK(rig.network.access_point.empty());
    rig.push(3'500);
    rig.form("host=other-broker");
    CHECK(rig.system.restarts == 0);  // a recording is still here
    CHECK(rig.state() == State::kConnecting);
    rig.connect();
    CHECK(rig.mqtt.host == "other-broker");
    rig.run(2'000);
    const auto heard = rig.heard();
    REQUIRE(heard.size() == 1);
    CHECK(heard.begin()->second.is_complete());
    rig.control("stored", heard.begin()->first);
    rig.result(heard.begin()->first);
    rig.run(100);
    CHECK(rig.system.restarts == 1);
}

TEST_CASE("settings by the serial line take effect after a restart") {
    Rig rig;
    rig.make_ready();
    rig.form("record_ms=2000");
    rig.run(100);
    CHECK(rig.system.restarts == 1);
    CHECK(rig.device.settings().record_ms == 2'000);
    rig.connect();
    rig.form("record_ms=1");
    rig.run(100);
    CHECK(rig.state() == State::kError);
    CHECK(rig.says("bad settings"));
    CHECK(rig.says("record_ms"));
}

TEST_CASE("an access point or a network that cannot be begun is an error with a way out") {
    Rig rig;
    rig.network.can_begin = false;
    rig.device.begin();
    rig.run(100);
    CHECK(rig.state() == State::kError);
    CHECK(rig.says("no Wi-Fi"));
    rig.run(16'000);
    rig.push(3'500);
    CHECK(rig.state() == State::kError);
}
