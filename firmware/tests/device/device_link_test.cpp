#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("what is published about the device itself") {
    DeviceFixture fixture;
    fixture.make_ready();
    const auto states = fixture.mqtt.of("/up/state");
    REQUIRE(states.size() == 1);
    CHECK(states[0].retain);
    CHECK(states[0].qos == 1);
    CHECK(states[0].text().find("\"online\"") != std::string::npos);
    CHECK(fixture.mqtt.will_topic == "stetho/v1/device/st-01/up/state");
    CHECK(fixture.mqtt.will.find("\"lost\"") != std::string::npos);
    const auto boot = states[0].text().substr(states[0].text().find("boot"));
    CHECK(fixture.mqtt.will.find(boot) != std::string::npos);  // the same start
    CHECK(fixture.mqtt.of("/up/info").at(0).retain);
    CHECK(fixture.mqtt.of("/up/info").at(0).text().find("stetho 0.2.0") != std::string::npos);
    fixture.run(60'000);
    const auto telemetry = fixture.mqtt.of("/up/telemetry");
    CHECK(telemetry.size() >= 2);
    CHECK(telemetry.size() <= 4);
    CHECK(telemetry[0].qos == 0);
    CHECK(telemetry[0].text().find("-61") != std::string::npos);
    CHECK(telemetry[0].text().find("stack_left") == std::string::npos);
    fixture.system.stacks = {{"capture", 2'400}, {"mqtt_task", 2'944}};
    fixture.system.error = "wifi: " + std::string(100, 'x');
    fixture.run(60'000);
    CHECK(fixture.mqtt.of("/up/telemetry").back().text().ends_with(
        R"("stack_left":{"capture":2400,"mqtt_task":2944},"last_error":"wifi: )" + std::string(74, 'x') + "\"}"));
    CHECK(fixture.mqtt.topics == std::vector<std::string>{"stetho/v1/device/st-01/down/control",
                                                          "stetho/v1/device/st-01/down/result",
                                                          "stetho/v1/device/st-01/down/command",
                                                          "stetho/v1/device/st-01/down/live",
                                                          "stetho/v1/worker/+"});
    fixture.device.end();
    CHECK(fixture.mqtt.of("/up/state").back().text().find("offline") != std::string::npos);
}

TEST_CASE("a broker that refuses or is not trusted is named, and tried again ever more rarely") {
    DeviceFixture fixture;
    fixture.device.begin();
    fixture.run(50);
    fixture.disconnect(hal::ConnectionLoss::kRefused);
    fixture.run(200);
    CHECK(fixture.state() == State::kConnecting);
    CHECK(fixture.shows("password refused"));  // at once, not when CONNECTING has lasted its limit
    CHECK(fixture.shows("hold 3 s: settings"));
    for (int round = 0; round < 10; ++round) {
        const int before = fixture.mqtt.connects;
        for (int wait = 0; wait < 4'000 && fixture.mqtt.connects == before; ++wait) fixture.run(10);
        CHECK(fixture.mqtt.connects == before + 1);
        fixture.disconnect(hal::ConnectionLoss::kUntrusted);
    }
    fixture.run(100);
    CHECK(fixture.state() == State::kOffline);
    CHECK(fixture.shows("broker not trusted"));
    const int before = fixture.mqtt.connects;
    fixture.run(14'000);
    CHECK(fixture.mqtt.connects == before);
}

TEST_CASE("an attempt that nobody answers is given up") {
    DeviceFixture fixture;
    fixture.device.begin();
    fixture.run(50);
    CHECK(fixture.mqtt.connects == 1);
    fixture.run(19'000);
    CHECK(fixture.mqtt.connects == 1);
    fixture.run(3'000);
    CHECK(fixture.mqtt.connects >= 2);
    CHECK(fixture.state() == State::kOffline);
}

TEST_CASE("a broker that is there and takes nothing is left and called again") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.acknowledges = false;
    fixture.press_button();
    fixture.run(1'500);
    CHECK(fixture.state() == State::kSending);
    fixture.run(61'000);
    CHECK(fixture.mqtt.disconnects >= 1);
    fixture.acknowledges = true;
    fixture.connect();
    fixture.run(2'000);
    CHECK(fixture.state() == State::kWaitResult);
    CHECK(fixture.received().begin()->second.is_complete());
}

TEST_CASE("a client that is full holds nothing up: the sound is kept and leaves when there is room") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.mqtt.room = 0;
    fixture.press_button();
    fixture.run(1'500);
    CHECK(fixture.mqtt.of("/up/pcm").empty());
    fixture.mqtt.room = 2;
    fixture.run(500);
    CHECK(fixture.received().begin()->second.is_complete());
}

TEST_CASE("Wi-Fi that goes takes the connection with it, and brings it back") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.network.up = false;
    fixture.device.on(Event::of(EventKind::kNetworkDown));
    fixture.run(200);
    CHECK(fixture.state() == State::kOffline);
    CHECK(fixture.shows("no network"));
    const int before = fixture.mqtt.connects;
    fixture.run(60'000);
    CHECK(fixture.mqtt.connects == before);
    fixture.network.up = true;
    fixture.mqtt.is_connected = false;
    fixture.connect();
    CHECK(fixture.state() == State::kReady);
}

TEST_CASE("a connection that takes no subscription is none: it would hear nothing") {
    DeviceFixture fixture;
    fixture.mqtt.can_subscribe = false;
    fixture.device.begin();
    fixture.connect();
    CHECK_FALSE(fixture.device.is_online());
    CHECK(fixture.mqtt.disconnects == 1);
    fixture.mqtt.can_subscribe = true;
    fixture.connect();
    CHECK(fixture.device.is_online());
}

TEST_CASE("a broker that refuses a subscription is left, named on the display, and called ever more rarely") {
    DeviceFixture fixture;
    fixture.grants = false;
    fixture.device.begin();
    std::uint64_t waited = 0;
    for (int round = 0; round < 8; ++round) {
        const std::uint64_t before = fixture.clock.now;
        fixture.connect();
        waited = fixture.clock.now - before;
        CHECK_FALSE(fixture.device.is_online());
        fixture.device.on(Event::subscribed(true));
        fixture.device.on(Event::subscribed(false));
        CHECK_FALSE(fixture.mqtt.is_connected);
        fixture.device.on(Event::subscribed(true));  // was on its way
        fixture.run(100);
        CHECK(fixture.shows("not subscribed"));
        CHECK_FALSE(fixture.device.is_online());
    }
    CHECK(waited > BrokerConnection::kLongestWaitMs / 3);
    CHECK(fixture.mqtt.of("/up/state").empty());
    fixture.grants = true;
    fixture.connect();
    fixture.run(100);
    CHECK(fixture.device.is_online());
    CHECK(fixture.mqtt.of("/up/state").size() == 1);
}

TEST_CASE("a broker that does not answer a subscription is left after a time") {
    DeviceFixture fixture;
    fixture.grants = false;
    fixture.device.begin();
    fixture.connect();
    for (int answered = 0; answered < 4; ++answered) fixture.device.on(Event::subscribed(true));  // of five
    fixture.run(BrokerConnection::kAttemptMs - 1'000);
    CHECK(fixture.mqtt.is_connected);
    CHECK_FALSE(fixture.device.is_online());
    fixture.run(2'000);
    CHECK_FALSE(fixture.mqtt.is_connected);
    CHECK(fixture.shows("not subscribed"));
    fixture.grants = true;
    fixture.connect();
    CHECK(fixture.device.is_online());
}

TEST_CASE("a refusal later ends the connection, too, and what was on its way is sent again") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.acknowledges = false;
    fixture.press_button();
    fixture.run(1'500);
    fixture.device.on(Event::subscribed(false));
    CHECK_FALSE(fixture.device.is_online());
    CHECK_FALSE(fixture.mqtt.is_connected);
    fixture.acknowledges = true;
    fixture.mqtt.unacknowledged.clear();
    fixture.connect();
    fixture.run(2'000);
    CHECK(fixture.received().begin()->second.is_complete());
}

TEST_CASE("a result that got lost is asked for again, and shown") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(2'000);
    const auto id = fixture.newest();
    fixture.control("stored", id);
    const std::size_t before = fixture.mqtt.topics.size();
    fixture.run(BrokerConnection::kAskAfterMs - 5'000);
    CHECK(fixture.mqtt.topics.size() == before);
    fixture.run(6'000);
    REQUIRE(fixture.mqtt.topics.size() == before + 2);
    CHECK(fixture.mqtt.topics[before] == "stetho/v1/device/st-01/down/result");
    CHECK(fixture.mqtt.topics[before + 1] == "stetho/v1/worker/+");
    fixture.run(600'000);
    CHECK(fixture.mqtt.topics.size() <= before + 12);  // ever more rarely
    CHECK(fixture.mqtt.topics.size() >= before + 8);
    const std::size_t asked = fixture.mqtt.topics.size();
    fixture.result(id);  // the retained one
    CHECK(fixture.state() == State::kResult);
    fixture.run(600'000);
    CHECK(fixture.mqtt.topics.size() == asked);
}

TEST_CASE("a worker whose state got lost is asked for again") {
    DeviceFixture fixture;
    fixture.device.begin();
    fixture.connect();
    fixture.run(1'000);
    CHECK(fixture.shows("no analyser"));
    const std::size_t before = fixture.mqtt.topics.size();
    fixture.run(BrokerConnection::kAskAfterMs);
    CHECK(fixture.mqtt.topics.size() == before + 2);
    fixture.worker("ready");
    fixture.run(600'000);
    CHECK(fixture.mqtt.topics.size() == before + 2);
}

TEST_CASE("a client that cannot even begin is tried again") {
    DeviceFixture fixture;
    fixture.mqtt.can_begin = false;
    fixture.device.begin();
    fixture.run(5'000);
    CHECK(fixture.mqtt.connects >= 2);
    CHECK(fixture.mqtt.connects <= 10);
    fixture.mqtt.can_begin = true;
    fixture.connect();
    CHECK(fixture.device.is_online());
}
