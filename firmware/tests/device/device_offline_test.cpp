#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("a6 without a broker recordings are kept, and sent later with their true time") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.disconnect();
    CHECK(fixture.state() == State::kOffline);
    fixture.run(200);
    CHECK(fixture.shows("no broker"));
    for (int round = 0; round < 3; ++round) {
        fixture.press_button();
        CHECK(fixture.state() == State::kRecording);
        fixture.run(200);
        CHECK(fixture.shows("offline: kept"));
        fixture.run(1'500);
        CHECK(fixture.state() == State::kOffline);
    }
    fixture.run(200);
    CHECK(fixture.shows("3 kept, sent later"));
    CHECK(fixture.mqtt.of("/up/pcm").empty());
    const auto offline_at = *fixture.clock.utc;
    *fixture.clock.utc += 3'600'000;  // an hour later, by a clock that also jumped
    fixture.connect();
    fixture.run(3'000);
    const auto received = fixture.received();
    REQUIRE(received.size() == 3);
    for (const auto& [id, recording] : received) {
        CHECK(recording.is_complete());
        CHECK(*recording.length == 4'000);
        CHECK(recording.meta.find("T17:20") != std::string::npos);  // not an hour later
        fixture.control("stored", id);
    }
    CHECK(offline_at < *fixture.clock.utc);
    fixture.run(100);
    CHECK(fixture.device.window().held() == 0);
}

TEST_CASE("a6 a time that is learned later is put back to the first sample") {
    DeviceFixture fixture;
    fixture.clock.utc.reset();
    fixture.network.up = false;
    fixture.device.begin();
    fixture.run(500);
    fixture.press_button();
    fixture.run(60'000);
    fixture.network.up = true;
    fixture.connect();
    fixture.run(1'000);
    CHECK(fixture.mqtt.of("/up/pcm").empty());  // it waits for the time for a moment
    fixture.clock.utc = 1'795'627'300'000;
    fixture.device.on(Event::of(EventKind::kClockSet));
    fixture.run(2'000);
    const auto received = fixture.received();
    REQUIRE(received.size() == 1);
    CHECK(received.begin()->second.is_complete());
    // 61.x s before the clock was set
    CHECK(received.begin()->second.meta.find("\"captured_at\":\"2026-11-25T17:20:3") != std::string::npos);
}

TEST_CASE("without any time of day the sound leaves all the same") {
    DeviceFixture fixture;
    fixture.clock.utc.reset();
    fixture.make_ready();
    fixture.press_button();
    fixture.run(8'000);
    const auto received = fixture.received();
    REQUIRE(received.size() == 1);
    CHECK(received.begin()->second.is_complete());
    CHECK(received.begin()->second.meta.find("\"captured_at\":null") != std::string::npos);
}

TEST_CASE("a wall clock that jumps back in the middle changes nothing of a recording") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(400);
    *fixture.clock.utc -= 86'400'000;
    fixture.device.on(Event::of(EventKind::kClockSet));
    fixture.run(1'000);
    const auto received = fixture.received();
    CHECK(received.begin()->second.is_complete());
    CHECK(received.begin()->second.meta.find("2026-11-25T") != std::string::npos);
}

TEST_CASE("a monotonic clock that goes back neither ends nor repeats anything") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.clock.now -= 700;
    fixture.run(2'000);
    CHECK(fixture.received().begin()->second.is_complete());
    CHECK(fixture.received().size() == 1);
}

TEST_CASE("memory full of what was not sent: no more is recorded, nothing is forgotten") {
    DeviceFixture fixture(test_settings(), 24 * 512);  // three recordings of 4,000 samples
    fixture.make_ready();
    fixture.disconnect();
    for (int round = 0; round < 3; ++round) {
        fixture.press_button();
        fixture.run(1'300);
    }
    fixture.press_button();
    CHECK(fixture.state() == State::kError);
    CHECK(fixture.shows("memory full"));
    fixture.connect();
    fixture.run(20'000);
    CHECK(fixture.received().size() == 3);
    for (const auto& [id, received] : fixture.received()) {
        CHECK(received.is_complete());
        fixture.control("stored", id);
    }
    fixture.run(100);
    fixture.press_button();
    CHECK(fixture.state() == State::kRecording);
}

TEST_CASE("a recording that is longer than memory passes through it while the broker takes it") {
    Settings settings = test_settings();
    settings.record_ms = 20'000;
    DeviceFixture fixture(settings, 16 * 512);  // two seconds
    fixture.make_ready();
    fixture.press_button();
    fixture.run(21'000);
    const ReceivedRecording received = fixture.received().begin()->second;
    CHECK(received.is_complete());
    CHECK(*received.length == 80'000);
    fixture.disconnect();
    fixture.press_button();
    CHECK(fixture.state() == State::kError);  // it could not be kept
}

TEST_CASE("when the broker stops taking it in the middle, such a recording ends early, without a hole") {
    Settings settings = test_settings();
    settings.record_ms = 20'000;
    DeviceFixture fixture(settings, 16 * 512);
    fixture.make_ready();
    fixture.press_button();
    fixture.run(3'000);
    fixture.disconnect();
    fixture.run(5'000);
    CHECK(fixture.state() == State::kOffline);
    fixture.connect();
    fixture.run(3'000);
    const ReceivedRecording received = fixture.received().begin()->second;
    CHECK(received.is_complete());
    CHECK(*received.length > 12'000);
    CHECK(*received.length < 24'000);
}
