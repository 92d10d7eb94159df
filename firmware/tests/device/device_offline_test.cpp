#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("a6 without a broker recordings are kept, and sent later with their true time") {
    Rig rig;
    rig.make_ready();
    rig.cut();
    CHECK(rig.state() == State::kOffline);
    rig.run(200);
    CHECK(rig.says("no broker"));
    for (int round = 0; round < 3; ++round) {
        rig.push();
        CHECK(rig.state() == State::kRecording);
        rig.run(200);
        CHECK(rig.says("offline: kept"));
        rig.run(1'500);
        CHECK(rig.state() == State::kOffline);
    }
    rig.run(200);
    CHECK(rig.says("3 kept, sent later"));
    CHECK(rig.mqtt.of("/up/pcm").empty());
    const auto offline_at = *rig.clock.utc;
    *rig.clock.utc += 3'600'000;  // an hour later, by a clock that also jumped
    rig.connect();
    rig.run(3'000);
    const auto heard = rig.heard();
    REQUIRE(heard.size() == 3);
    for (const auto& [id, recording] : heard) {
        CHECK(recording.is_complete());
        CHECK(*recording.length == 4'000);
        CHECK(recording.meta.find("T17:20") != std::string::npos);  // not an hour later
        rig.control("stored", id);
    }
    CHECK(offline_at < *rig.clock.utc);
    rig.run(100);
    CHECK(rig.device.window().held() == 0);
}

TEST_CASE("a6 a time that is learned later is put back to the first sample") {
    Rig rig;
    rig.clock.utc.reset();
    rig.network.up = false;
    rig.device.begin();
    rig.run(500);
    rig.push();
    rig.run(60'000);
    rig.network.up = true;
    rig.connect();
    rig.run(1'000);
    CHECK(rig.mqtt.of("/up/pcm").empty());  // it waits for the time for a moment
    rig.clock.utc = 1'795'627'300'000;
    rig.device.on(Event::of(EventKind::kClockSet));
    rig.run(2'000);
    const auto heard = rig.heard();
    REQUIRE(heard.size() == 1);
    CHECK(heard.begin()->second.is_complete());
    // 61.x s before the clock was set
    CHECK(heard.begin()->second.meta.find("\"captured_at\":\"2026-11-25T17:20:3") != std::string::npos);
}

TEST_CASE("without any time of day the sound leaves all the same") {
    Rig rig;
    rig.clock.utc.reset();
    rig.make_ready();
    rig.push();
    rig.run(8'000);
    const auto heard = rig.heard();
    REQUIRE(heard.size() == 1);
    CHECK(heard.begin()->second.is_complete());
    CHECK(heard.begin()->second.meta.find("\"captured_at\":null") != std::string::npos);
}

TEST_CASE("a wall clock that jumps back in the middle changes nothing of a recording") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(400);
    *rig.clock.utc -= 86'400'000;
    rig.device.on(Event::of(EventKind::kClockSet));
    rig.run(1'000);
    const auto heard = rig.heard();
    CHECK(heard.begin()->second.is_complete());
    CHECK(heard.begin()->second.meta.find("2026-11-25T") != std::string::npos);
}

TEST_CASE("a monotonic clock that goes back neither ends nor repeats anything") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.clock.now -= 700;
    rig.run(2'000);
    CHECK(rig.heard().begin()->second.is_complete());
    CHECK(rig.heard().size() == 1);
}

TEST_CASE("memory full of what was not sent: no more is recorded, nothing is forgotten") {
    Rig rig(bench_settings(), 24 * 512);  // three recordings of 4,000 samples
    rig.make_ready();
    rig.cut();
    for (int round = 0; round < 3; ++round) {
        rig.push();
        rig.run(1'300);
    }
    rig.push();
    CHECK(rig.state() == State::kError);
    CHECK(rig.says("memory full"));
    rig.connect();
    rig.run(20'000);
    CHECK(rig.heard().size() == 3);
    for (const auto& [id, heard] : rig.heard()) {
        CHECK(heard.is_complete());
        rig.control("stored", id);
    }
    rig.run(100);
    rig.push();
    CHECK(rig.state() == State::kRecording);
}

TEST_CASE("a recording that is longer than memory passes through it while the broker takes it") {
    Settings settings = bench_settings();
    settings.record_ms = 20'000;
    Rig rig(settings, 16 * 512);  // two seconds
    rig.make_ready();
    rig.push();
    rig.run(21'000);
    const Heard heard = rig.heard().begin()->second;
    CHECK(heard.is_complete());
    CHECK(*heard.length == 80'000);
    rig.cut();
    rig.push();
    CHECK(rig.state() == State::kError);  // it could not be kept
}

TEST_CASE("when the broker stops taking it in the middle, such a recording ends early, without a hole") {
    Settings settings = bench_settings();
    settings.record_ms = 20'000;
    Rig rig(settings, 16 * 512);
    rig.make_ready();
    rig.push();
    rig.run(3'000);
    rig.cut();
    rig.run(5'000);
    CHECK(rig.state() == State::kOffline);
    rig.connect();
    rig.run(3'000);
    const Heard heard = rig.heard().begin()->second;
    CHECK(heard.is_complete());
    CHECK(*heard.length > 12'000);
    CHECK(*heard.length < 24'000);
}
