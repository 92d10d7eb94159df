#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("commands: record for so long, stop, identify; each once") {
    Rig rig;
    rig.make_ready();
    rig.down("command", R"({"id":"a","command":"record","args":{"seconds":2}})");
    CHECK(rig.state() == State::kRecording);
    rig.run(2'100);
    CHECK(*rig.heard()[rig.newest()].length == 8'000);
    rig.control("stored", rig.newest());
    rig.down("command", R"({"id":"a","command":"record","args":{"seconds":2}})");  // delivered again
    CHECK(rig.state() == State::kWaitResult);
    rig.down("command", R"({"id":"b","command":"record","args":{"stream":true}})");
    rig.run(3'000);
    CHECK(rig.state() == State::kRecording);
    rig.down("command", R"({"id":"c","command":"stop"})");
    rig.run(300);
    CHECK((rig.heard()[rig.newest()].flags & chunk_flag::kStream) != 0);
    CHECK(rig.heard()[rig.newest()].is_complete());
    rig.down("command", R"({"id":"d","command":"identify"})");
    rig.run(200);
    CHECK(rig.has_title("IT IS ME"));
    rig.run(10'000);
    CHECK_FALSE(rig.has_title("IT IS ME"));
    rig.down("command", R"({"id":"e","command":"record"})");  // as set in the device
    rig.run(1'300);
    CHECK(*rig.heard()[rig.newest()].length == 4'000);
}

TEST_CASE("the command to restart waits until nothing is left to send") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(300);
    rig.down("command", R"({"id":"a","command":"restart"})");
    rig.run(2'000);
    CHECK(rig.system.restarts == 0);
    rig.control("stored", rig.newest());
    rig.run(100);
    CHECK(rig.system.restarts == 1);
    CHECK(rig.mqtt.of("/up/state").back().text().find("offline") != std::string::npos);
}

TEST_CASE("an update is fetched, shown, and started by a restart") {
    Rig rig;
    rig.make_ready();
    rig.down("command", R"({"id":"u","command":"update","args":{"url":"https://host/image.bin"}})");
    CHECK(rig.state() == State::kUpdating);
    CHECK(rig.ota.url == "https://host/image.bin");
    rig.device.on(Event::ota(hal::OtaStep::kFetching, 42));
    rig.run(100);
    CHECK(rig.says("42 %"));
    rig.device.on(Event::ota(hal::OtaStep::kReady, 100));
    CHECK(rig.system.restarts == 1);
}

TEST_CASE("an update that is wrong, interrupted or stalls leaves the old firmware, and says so") {
    for (int kind = 0; kind < 3; ++kind) {
        Rig rig;
        rig.make_ready();
        rig.ota.can_start = kind != 0;
        rig.down("command", R"({"id":"u","command":"update","args":{"url":"https://host/image.bin"}})");
        if (kind == 1) rig.device.on(Event::ota(hal::OtaStep::kFailed, 70));
        if (kind == 2) rig.run(601'000);
        rig.run(100);
        CHECK(rig.state() == State::kError);
        CHECK(rig.says("update failed"));
        CHECK(rig.system.restarts == 0);
        rig.run(16'000);
        CHECK(rig.state() == State::kReady);
    }
}

TEST_CASE("an update waits for what is to be sent") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.down("command", R"({"id":"u","command":"update","args":{"url":"https://host/image.bin"}})");
    rig.run(1'500);
    CHECK(rig.ota.url.empty());
    rig.control("stored", rig.newest());
    rig.result(rig.newest());
    rig.run(100);
    CHECK(rig.state() == State::kUpdating);
}

TEST_CASE("a new firmware is kept once it is online, and taken back when it never is") {
    Rig good;
    good.ota.trial = true;
    good.make_ready();
    CHECK_FALSE(good.ota.trial);
    CHECK(good.ota.rolled_back == 0);
    Rig bad;
    bad.ota.trial = true;
    bad.device.begin();
    bad.run(290'000);
    CHECK(bad.ota.rolled_back == 0);
    bad.run(20'000);
    CHECK(bad.ota.rolled_back > 0);
}
