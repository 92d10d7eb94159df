#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("what is published about the device itself") {
    Rig rig;
    rig.make_ready();
    const auto states = rig.mqtt.of("/up/state");
    REQUIRE(states.size() == 1);
    CHECK(states[0].retain);
    CHECK(states[0].qos == 1);
    CHECK(states[0].text().find("\"online\"") != std::string::npos);
    CHECK(rig.mqtt.will_topic == "stetho/v1/device/st-01/up/state");
    CHECK(rig.mqtt.will.find("\"lost\"") != std::string::npos);
    const auto boot = states[0].text().substr(states[0].text().find("boot"));
    CHECK(rig.mqtt.will.find(boot) != std::string::npos);  // the same start
    CHECK(rig.mqtt.of("/up/info").at(0).retain);
    CHECK(rig.mqtt.of("/up/info").at(0).text().find("stetho 0.2.0") != std::string::npos);
    rig.run(60'000);
    const auto telemetry = rig.mqtt.of("/up/telemetry");
    CHECK(telemetry.size() >= 2);
    CHECK(telemetry.size() <= 4);
    CHECK(telemetry[0].qos == 0);
    CHECK(telemetry[0].text().find("-61") != std::string::npos);
    CHECK(rig.mqtt.topics == std::vector<std::string>{
                                 "stetho/v1/device/st-01/down/control", "stetho/v1/device/st-01/down/result",
                                 "stetho/v1/device/st-01/down/command", "stetho/v1/device/st-01/down/live",
                                 "stetho/v1/worker/+"});
    rig.device.end();
    CHECK(rig.mqtt.of("/up/state").back().text().find("offline") != std::string::npos);
}

TEST_CASE("a broker that refuses or is not trusted is named, and tried again ever more rarely") {
    Rig rig;
    rig.device.begin();
    rig.run(50);
    rig.cut(hal::MqttLoss::kRefused);
    rig.run(200);
    CHECK(rig.state() == State::kConnecting);
    for (int round = 0; round < 10; ++round) {
        const int before = rig.mqtt.connects;
        for (int wait = 0; wait < 4'000 && rig.mqtt.connects == before; ++wait) rig.run(10);
        CHECK(rig.mqtt.connects == before + 1);
        rig.cut(hal::MqttLoss::kUntrusted);
    }
    rig.run(100);
    CHECK(rig.state() == State::kOffline);
    CHECK(rig.says("broker not trusted"));
    const int before = rig.mqtt.connects;
    rig.run(14'000);
    CHECK(rig.mqtt.connects == before);
}

TEST_CASE("an attempt that nobody answers is given up") {
    Rig rig;
    rig.device.begin();
    rig.run(50);
    CHECK(rig.mqtt.connects == 1);
    rig.run(19'000);
    CHECK(rig.mqtt.connects == 1);
    rig.run(3'000);
    CHECK(rig.mqtt.connects >= 2);
    CHECK(rig.state() == State::kOffline);
}

TEST_CASE("a broker that is there and takes nothing is left and called again") {
    Rig rig;
    rig.make_ready();
    rig.acknowledges = false;
    rig.push();
    rig.run(1'500);
    CHECK(rig.state() == State::kSending);
    rig.run(61'000);
    CHECK(rig.mqtt.disconnects >= 1);
    rig.acknowledges = true;
    rig.connect();
    rig.run(2'000);
    CHECK(rig.state() == State::kWaitResult);
    CHECK(rig.heard().begin()->second.is_complete());
}

TEST_CASE("a client that is full holds nothing up: the sound is kept and leaves when there is room") {
    Rig rig;
    rig.make_ready();
    rig.mqtt.room = 0;
    rig.push();
    rig.run(1'500);
    CHECK(rig.mqtt.of("/up/pcm").empty());
    rig.mqtt.room = 2;
    rig.run(500);
    CHECK(rig.heard().begin()->second.is_complete());
}

TEST_CASE("Wi-Fi that goes takes the connection with it, and brings it back") {
    Rig rig;
    rig.make_ready();
    rig.network.up = false;
    rig.device.on(Event::of(EventKind::kNetworkDown));
    rig.run(200);
    CHECK(rig.state() == State::kOffline);
    CHECK(rig.says("no network"));
    const int before = rig.mqtt.connects;
    rig.run(60'000);
    CHECK(rig.mqtt.connects == before);
    rig.network.up = true;
    rig.mqtt.is_connected = false;
    rig.connect();
    CHECK(rig.state() == State::kReady);
}

TEST_CASE("a connection that takes no subscription is none: it would hear nothing") {
    Rig rig;
    rig.mqtt.can_subscribe = false;
    rig.device.begin();
    rig.connect();
    CHECK_FALSE(rig.device.is_online());
    CHECK(rig.mqtt.disconnects == 1);
    rig.mqtt.can_subscribe = true;
    rig.connect();
    CHECK(rig.device.is_online());
}

TEST_CASE("a client that cannot even begin is tried again") {
    Rig rig;
    rig.mqtt.can_begin = false;
    rig.device.begin();
    rig.run(5'000);
    CHECK(rig.mqtt.connects >= 2);
    CHECK(rig.mqtt.connects <= 10);
    rig.mqtt.can_begin = true;
    rig.connect();
    CHECK(rig.device.is_online());
}
