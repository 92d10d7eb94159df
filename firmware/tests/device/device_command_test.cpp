#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

std::string answer(DeviceFixture& fixture) { return fixture.mqtt.of("/up/answer").back().text(); }

}  // namespace

TEST_CASE("commands: record for so long, stop, identify; each once") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.down("command", R"({"id":"a","command":"record","args":{"seconds":2}})");
    CHECK(fixture.state() == State::kRecording);
    fixture.run(2'100);
    CHECK(*fixture.received()[fixture.newest()].length == 8'000);
    fixture.control("stored", fixture.newest());
    fixture.down("command", R"({"id":"a","command":"record","args":{"seconds":2}})");  // delivered again
    CHECK(fixture.state() == State::kWaitResult);
    fixture.down("command", R"({"id":"b","command":"record","args":{"stream":true}})");
    fixture.run(3'000);
    CHECK(fixture.state() == State::kRecording);
    fixture.down("command", R"({"id":"c","command":"stop"})");
    fixture.run(300);
    CHECK((fixture.received()[fixture.newest()].flags & chunk_flag::kStream) != 0);
    CHECK(fixture.received()[fixture.newest()].is_complete());
    fixture.down("command", R"({"id":"d","command":"identify"})");
    fixture.run(200);
    CHECK(fixture.has_title("IT IS ME"));
    fixture.run(10'000);
    CHECK_FALSE(fixture.has_title("IT IS ME"));
    fixture.down("command", R"({"id":"e","command":"record"})");  // as set in the device
    fixture.run(1'300);
    CHECK(*fixture.received()[fixture.newest()].length == 4'000);
}

TEST_CASE("each command with an id is answered, again where it comes again, and a refusal says why") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.down("command", R"({"id":"a","command":"stop"})");
    CHECK(answer(fixture) == R"({"id":"a","answer":"refused","reason":"not_recording"})");
    fixture.down("command", R"({"id":"b","command":"record","args":{"stream":true}})");
    CHECK(answer(fixture) == R"({"id":"b","answer":"done"})");
    fixture.down("command", R"({"id":"c","command":"record"})");
    CHECK(answer(fixture) == R"({"id":"c","answer":"refused","reason":"recording"})");
    fixture.run(300);
    fixture.down("command", R"({"id":"d","command":"stop"})");
    fixture.down("command", R"({"id":"d","command":"stop"})");  // delivered again
    CHECK(answer(fixture) == R"({"id":"d","answer":"done"})");
    fixture.run(300);
    fixture.down("command", R"({"id":"e","command":"restart"})");
    CHECK(answer(fixture) == R"({"id":"e","answer":"done","reason":"later"})");
    CHECK(fixture.system.restarts == 0);
    fixture.down("command", R"({"id":"f","command":"explode"})");
    CHECK(answer(fixture) == R"({"id":"f","answer":"refused","reason":"unknown"})");
    const auto answers = fixture.mqtt.of("/up/answer");
    CHECK(answers.size() == 7);
    CHECK(std::count_if(answers.begin(), answers.end(), [](const Message& each) {
              return each.text() == R"({"id":"d","answer":"done"})";
          }) == 2);
    CHECK(answers.back().qos == 1);
    CHECK_FALSE(answers.back().retain);
    fixture.down("command", R"({"command":"identify"})");
    fixture.down("command", "explode");
    CHECK(fixture.mqtt.of("/up/answer").size() == 7);
}

TEST_CASE("a command that comes late is refused, if the device knows the time") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.clock.utc.reset();
    fixture.down("command", R"({"id":"a","command":"identify","expires":1})");
    CHECK(answer(fixture) == R"({"id":"a","answer":"done"})");
    fixture.clock.utc = 1'700'000'030'999;
    fixture.down("command", R"({"id":"b","command":"record","expires":1700000030})");
    CHECK(fixture.state() == State::kRecording);
    fixture.clock.utc = 1'700'000'031'000;
    fixture.down("command", R"({"id":"c","command":"stop","expires":1700000030})");
    CHECK(answer(fixture) == R"({"id":"c","answer":"refused","reason":"late"})");
    CHECK(fixture.state() == State::kRecording);
}

TEST_CASE("what keeps a device from recording is in its answer") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.battery.reading = hal::BatteryReading{2'800, hal::Charging::kNo};
    fixture.run(61'000);
    fixture.down("command", R"({"id":"a","command":"record"})");
    CHECK(answer(fixture) == R"({"id":"a","answer":"refused","reason":"battery_empty"})");
    CHECK(fixture.state() == State::kError);
    fixture.down("command", R"({"id":"b","command":"record"})");
    CHECK(answer(fixture) == R"({"id":"b","answer":"refused","reason":"fault"})");
    fixture.run(20'000);
    fixture.down("command", R"({"id":"c","command":"update","args":{"url":"https://host/image.bin"}})");
    CHECK(answer(fixture) == R"({"id":"c","answer":"refused","reason":"battery_low"})");
    CHECK(fixture.ota.url.empty());
}

TEST_CASE("an answer that the client has no room for leaves before the restart; one without a connection never") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.mqtt.room = 0;
    fixture.down("command", R"({"id":"a","command":"restart"})");
    fixture.run(100);
    CHECK(fixture.system.restarts == 0);
    CHECK(fixture.mqtt.of("/up/answer").empty());
    fixture.mqtt.room = 100;
    fixture.run(100);
    CHECK(answer(fixture) == R"({"id":"a","answer":"done"})");
    CHECK(fixture.system.restarts == 1);
    fixture.connect();
    fixture.mqtt.room = 0;
    fixture.down("command", R"({"id":"b","command":"identify"})");
    fixture.disconnect();
    fixture.mqtt.room = 100;
    fixture.connect();
    fixture.run(1'000);
    CHECK(fixture.mqtt.of("/up/answer").size() == 1);
}

TEST_CASE("the command to restart waits until nothing is left to send") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(300);
    fixture.down("command", R"({"id":"a","command":"restart"})");
    fixture.run(2'000);
    CHECK(fixture.system.restarts == 0);
    fixture.control("stored", fixture.newest());
    fixture.run(100);
    CHECK(fixture.system.restarts == 1);
    CHECK(fixture.mqtt.of("/up/state").back().text().find("offline") != std::string::npos);
}

TEST_CASE("an update is fetched, shown, and started by a restart") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.down("command", R"({"id":"u","command":"update","args":{"url":"https://host/image.bin"}})");
    CHECK(fixture.state() == State::kUpdating);
    CHECK(fixture.ota.url == "https://host/image.bin");
    fixture.device.on(Event::ota(hal::OtaStep::kFetching, 42));
    fixture.run(100);
    CHECK(fixture.shows("42 %"));
    fixture.device.on(Event::ota(hal::OtaStep::kReady, 100));
    CHECK(fixture.system.restarts == 1);
}

TEST_CASE("an update that is wrong, interrupted or stalls leaves the old firmware, and says so") {
    for (int kind = 0; kind < 3; ++kind) {
        DeviceFixture fixture;
        fixture.make_ready();
        fixture.ota.can_start = kind != 0;
        fixture.down("command", R"({"id":"u","command":"update","args":{"url":"https://host/image.bin"}})");
        if (kind == 1) fixture.device.on(Event::ota(hal::OtaStep::kFailed, 70));
        if (kind == 2) fixture.run(601'000);
        fixture.run(100);
        CHECK(fixture.state() == State::kError);
        CHECK(fixture.shows("update failed"));
        CHECK(fixture.system.restarts == 0);
        fixture.run(16'000);
        CHECK(fixture.state() == State::kReady);
    }
}

TEST_CASE("an update waits for what is to be sent") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.down("command", R"({"id":"u","command":"update","args":{"url":"https://host/image.bin"}})");
    fixture.run(1'500);
    CHECK(fixture.ota.url.empty());
    fixture.control("stored", fixture.newest());
    fixture.result(fixture.newest());
    fixture.run(100);
    CHECK(fixture.state() == State::kUpdating);
}

TEST_CASE("a new firmware is kept once it is online, and taken back when it never is") {
    DeviceFixture good;
    good.ota.trial = true;
    good.make_ready();
    CHECK_FALSE(good.ota.trial);
    CHECK(good.ota.rolled_back == 0);
    DeviceFixture bad;
    bad.ota.trial = true;
    bad.device.begin();
    bad.run(290'000);
    CHECK(bad.ota.rolled_back == 0);
    bad.run(20'000);
    CHECK(bad.ota.rolled_back > 0);
}
