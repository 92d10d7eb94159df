#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("a5 a press records, the sound leaves while it is made, and the result is shown") {
    Settings settings = bench_settings();
    settings.sample_rate_hz = 44'100;
    settings.record_ms = 4'000;
    Rig rig(settings, 400 * 512, 8'192);
    rig.make_ready();
    CHECK(rig.audio.hz == 44'100);
    CHECK(rig.says("press to record"));
    rig.push();
    CHECK(rig.state() == State::kRecording);
    CHECK(rig.mqtt.of("/up/state").back().text().find("recording") != std::string::npos);
    rig.run(2'000);
    const std::uint64_t id = rig.newest();
    CHECK(rig.heard()[id].samples.size() > 80'000);  // it did not wait for the end
    rig.run(2'100);
    const Heard heard = rig.heard()[id];
    REQUIRE(heard.is_complete());
    CHECK(*heard.length == 176'400);
    CHECK(heard.sample_rate_hz == 44'100);
    CHECK((heard.flags & (chunk_flag::kResend | chunk_flag::kGapBefore | chunk_flag::kStream)) == 0);
    CHECK(heard.meta.find("\"captured_at\":\"2026-11-25T") != std::string::npos);
    CHECK(rig.state() == State::kWaitResult);
    CHECK(rig.says("analysing"));
    rig.control("stored", id, ",\"completeness\":\"complete\"");
    rig.run(200);
    CHECK(rig.says("stored safely"));
    CHECK(rig.device.window().held() == 0);
    rig.result(id);
    rig.run(200);
    CHECK(rig.state() == State::kResult);
    CHECK(rig.says("NORMAL"));
    CHECK(rig.says("not a diagnosis"));
    rig.run(61'000);
    CHECK(rig.state() == State::kReady);
    CHECK(rig.system.restarts == 0);  // an option, off
}

TEST_CASE("a5 restart after sending, as the source system did, is an option") {
    Settings settings = bench_settings();
    settings.restart_after_sending = true;
    Rig rig(settings);
    rig.make_ready();
    rig.push();
    rig.run(1'500);
    const auto id = rig.newest();
    rig.control("stored", id);
    rig.result(id);
    rig.run(30'000);
    CHECK(rig.system.restarts == 0);  // it can be read first
    rig.run(35'000);
    CHECK(rig.system.restarts == 1);
}

TEST_CASE("no analyser is said before recording, and recording works all the same") {
    Rig rig;
    rig.device.begin();
    rig.connect();
    rig.run(200);
    CHECK(rig.says("no analyser"));
    rig.worker("ready");
    rig.run(200);
    CHECK_FALSE(rig.says("no analyser"));
    rig.worker("degraded");
    rig.run(200);
    CHECK(rig.says("no analyser"));
    rig.push();
    rig.run(1'500);
    CHECK(rig.state() == State::kWaitResult);
    CHECK(rig.says("no analyser"));
    rig.run(40'000);
    CHECK(rig.state() == State::kReady);
    CHECK(rig.device.window().held() == 1);  // kept until it is stored
    const auto id = rig.newest();
    rig.control("stored", id);
    rig.result(id);
    rig.run(100);
    CHECK(rig.state() == State::kResult);  // late, and shown
}

TEST_CASE("a result of an unknown label, or too long for the screen, is shown as far as it goes") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(1'300);
    rig.result(rig.newest(), "something_this_firmware_never_heard_of_before");
    rig.run(200);
    CHECK(rig.state() == State::kResult);
    CHECK(rig.says("SOMETHING_THIS_FI~"));
}

TEST_CASE("button bounce is one press") {
    Rig rig;
    rig.make_ready();
    for (int bounce = 0; bounce < 21; ++bounce) {
        rig.device.on(Event::button(bounce % 2 == 0));
        rig.clock.now += 1;
    }
    rig.run(100);
    for (int bounce = 0; bounce < 21; ++bounce) {
        rig.device.on(Event::button(bounce % 2 == 1));
        rig.clock.now += 1;
    }
    rig.run(1'500);
    CHECK(rig.heard().size() == 1);
    CHECK(*rig.heard().begin()->second.length == 4'000);  // it was not ended by a second press
}

TEST_CASE("a second press ends the recording with what came so far") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(300);
    rig.push();
    rig.run(300);
    const Heard heard = rig.heard().begin()->second;
    CHECK(heard.is_complete());
    CHECK(*heard.length > 1'000);
    CHECK(*heard.length < 3'000);
}

TEST_CASE("the display sleeps when nothing happens, and wakes at the press that records") {
    Rig rig;
    rig.make_ready();
    rig.run(301'000);
    CHECK_FALSE(rig.device.is_lit());
    rig.run(301'000);
    CHECK_FALSE(rig.device.is_lit());
    rig.push();
    CHECK(rig.device.is_lit());
    CHECK(rig.state() == State::kRecording);
}
