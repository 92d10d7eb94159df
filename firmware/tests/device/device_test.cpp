#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("a5 a press records, the sound leaves while it is made, and the result is shown") {
    Settings settings = test_settings();
    settings.sample_rate_hz = 44'100;
    settings.record_ms = 4'000;
    DeviceFixture fixture(settings, 400 * 512, 8'192);
    fixture.make_ready();
    CHECK(fixture.audio.hz == 44'100);
    CHECK(fixture.shows("press to record"));
    fixture.press_button();
    CHECK(fixture.state() == State::kRecording);
    CHECK(fixture.mqtt.of("/up/state").back().text().find("recording") != std::string::npos);
    fixture.run(2'000);
    const std::uint64_t id = fixture.newest();
    CHECK(fixture.received()[id].samples.size() > 80'000);  // it did not wait for the end
    fixture.run(2'100);
    const ReceivedRecording received = fixture.received()[id];
    REQUIRE(received.is_complete());
    CHECK(*received.length == 176'400);
    CHECK(received.sample_rate_hz == 44'100);
    CHECK((received.flags & (chunk_flag::kResend | chunk_flag::kGapBefore | chunk_flag::kStream)) == 0);
    CHECK(received.meta.find("\"captured_at\":\"2026-11-25T") != std::string::npos);
    CHECK(fixture.state() == State::kWaitResult);
    CHECK(fixture.shows("analysing"));
    fixture.control("stored", id, ",\"completeness\":\"complete\"");
    fixture.run(200);
    CHECK(fixture.shows("stored safely"));
    CHECK(fixture.device.window().held() == 0);
    fixture.result(id);
    fixture.run(200);
    CHECK(fixture.state() == State::kResult);
    CHECK(fixture.shows("NORMAL"));
    CHECK(fixture.shows("not a diagnosis"));
    fixture.run(61'000);
    CHECK(fixture.state() == State::kReady);
    CHECK(fixture.system.restarts == 0);  // an option, off
}

TEST_CASE("a5 restart after sending, as the source system did, is an option") {
    Settings settings = test_settings();
    settings.restart_after_sending = true;
    DeviceFixture fixture(settings);
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'500);
    const auto id = fixture.newest();
    fixture.control("stored", id);
    fixture.result(id);
    fixture.run(30'000);
    CHECK(fixture.system.restarts == 0);  // it can be read first
    fixture.run(35'000);
    CHECK(fixture.system.restarts == 1);
}

TEST_CASE("no analyser is said before recording, and recording works all the same") {
    DeviceFixture fixture;
    fixture.device.begin();
    fixture.connect();
    fixture.run(200);
    CHECK(fixture.shows("no analyser"));
    fixture.worker("ready");
    fixture.run(200);
    CHECK_FALSE(fixture.shows("no analyser"));
    fixture.worker("degraded");
    fixture.run(200);
    CHECK(fixture.shows("no analyser"));
    fixture.press_button();
    fixture.run(1'500);
    CHECK(fixture.state() == State::kWaitResult);
    CHECK(fixture.shows("no analyser"));
    fixture.run(40'000);
    CHECK(fixture.state() == State::kReady);
    CHECK(fixture.device.window().held() == 1);  // kept until it is stored
    const auto id = fixture.newest();
    fixture.control("stored", id);
    fixture.result(id);
    fixture.run(100);
    CHECK(fixture.state() == State::kResult);  // late, and shown
}

TEST_CASE("a result of an unknown label, or too long for the screen, is shown as far as it goes") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'300);
    fixture.result(fixture.newest(), "something_this_firmware_never_heard_of_before");
    fixture.run(200);
    CHECK(fixture.state() == State::kResult);
    CHECK(fixture.shows("SOMETHING_THIS_FIRMW~"));
}

TEST_CASE("button bounce is one press") {
    DeviceFixture fixture;
    fixture.make_ready();
    for (int bounce = 0; bounce < 21; ++bounce) {
        fixture.device.on(Event::button(bounce % 2 == 0));
        fixture.clock.now += 1;
    }
    fixture.run(100);
    for (int bounce = 0; bounce < 21; ++bounce) {
        fixture.device.on(Event::button(bounce % 2 == 1));
        fixture.clock.now += 1;
    }
    fixture.run(1'500);
    CHECK(fixture.received().size() == 1);
    CHECK(*fixture.received().begin()->second.length == 4'000);  // it was not ended by a second press
}

TEST_CASE("a second press ends the recording with what came so far") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(300);
    fixture.press_button();
    fixture.run(300);
    const ReceivedRecording received = fixture.received().begin()->second;
    CHECK(received.is_complete());
    CHECK(*received.length > 1'000);
    CHECK(*received.length < 3'000);
}

TEST_CASE("the display sleeps when nothing happens, and wakes at the press that records") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.run(301'000);
    CHECK_FALSE(fixture.device.is_display_on());
    fixture.run(301'000);
    CHECK_FALSE(fixture.device.is_display_on());
    fixture.press_button();
    CHECK(fixture.device.is_display_on());
    CHECK(fixture.state() == State::kRecording);
}

TEST_CASE("a result that is not of the last recording says so, by its id") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'500);
    const std::uint64_t first = fixture.newest();
    fixture.control("stored", first);
    fixture.press_button();
    fixture.run(1'500);
    const std::uint64_t second = fixture.newest();
    fixture.control("stored", second);
    fixture.result(first, "murmur");
    fixture.run(100);
    CHECK(fixture.shows("MURMUR"));
    CHECK(fixture.has_title("EARLIER " + std::string(recording_name(first).view().substr(0, 8))));
    fixture.result(second);
    fixture.run(100);
    CHECK(fixture.shows("NORMAL"));
    CHECK(fixture.has_title("heart5"));
}

TEST_CASE("a late result never hides a recording that is made; it is shown after it, with its id") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'500);
    const std::uint64_t first = fixture.newest();
    fixture.control("stored", first);
    fixture.press_button();
    fixture.result(first, "murmur");
    for (int at = 0; at < 8; ++at) {
        fixture.run(100);
        CHECK(fixture.has_title("RECORDING"));
    }
    fixture.run(700);
    CHECK(fixture.shows("MURMUR"));
    CHECK(fixture.has_title("EARLIER " + std::string(recording_name(first).view().substr(0, 8))));
}

TEST_CASE("a device that started because it crashed says where, and one without its memory that it has none") {
    for (const std::string reason : {"power-on", "panic", "watchdog"}) {
        CAPTURE(reason);
        const bool lacks_psram = reason == "panic";
        DeviceFixture fixture(test_settings(), 64 * 512, 500, lacks_psram);
        fixture.system.reason = reason;
        fixture.system.crash = "capture at 0x42012345";
        fixture.device.begin();
        fixture.run(100);
        CHECK(fixture.shows("NO PSRAM") == lacks_psram);
        fixture.connect();
        const std::string info = fixture.mqtt.of("/up/info").at(0).text();
        const bool names_crash = info.find(R"("crash":"capture at 0x42012345")") != std::string::npos;
        CHECK(names_crash == (reason != "power-on"));
        CHECK((info.find(R"("psram":"not found")") != std::string::npos) == lacks_psram);
        fixture.run(5'100);
        CHECK_FALSE(fixture.shows("NO PSRAM"));
    }
}
