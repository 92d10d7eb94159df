#include <doctest/doctest.h>

#include <string>
#include <tuple>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("a microphone that is silent, stuck or dead is shown, and harms nothing") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.microphone = MicrophoneState::kStuck;
    fixture.run(200);
    CHECK(fixture.shows("microphone stuck"));
    fixture.press_button();
    fixture.run(300);
    CHECK(fixture.shows("microphone stuck"));
    fixture.run(1'000);
    CHECK(fixture.received().begin()->second.is_complete());
    fixture.microphone = MicrophoneState::kSilent;
    fixture.run(200);
    fixture.control("stored", fixture.newest());
    fixture.result(fixture.newest());
    fixture.run(61'000);
    CHECK(fixture.shows("microphone silent"));
    // No samples at all: the recording that was begun ends in an error, and nothing is sent of it.
    fixture.has_microphone = false;
    fixture.press_button();
    CHECK(fixture.state() == State::kRecording);
    fixture.run(3'000);
    CHECK(fixture.state() == State::kError);
    CHECK(fixture.shows("no sound arrives"));
    CHECK(fixture.received().size() == 1);
    CHECK(fixture.device.window().held() == 0);
    fixture.press_button();
    CHECK(fixture.state() == State::kReady);
}

TEST_CASE("a microphone that is not connected says what to do") {
    DeviceFixture fixture;
    fixture.make_ready();
    for (const auto& [state, words, remedy] :
         {std::tuple{MicrophoneState::kSilent, "microphone silent", "check the wiring"},
          std::tuple{MicrophoneState::kLoose, "microphone loose", "check the wiring"},
          std::tuple{MicrophoneState::kTooLoud, "too loud", "lower the gain"}}) {
        fixture.microphone = state;
        fixture.run(200);
        CHECK(fixture.shows(words));
        CHECK(fixture.shows(remedy));
    }
}

TEST_CASE("a display that is missing is told at once, and again when it is found") {
    DeviceFixture fixture;
    fixture.make_ready();
    const auto telemetry = [&] { return fixture.mqtt.of("/up/telemetry").back().text(); };
    CHECK(telemetry().find("display") == std::string::npos);
    fixture.device.on(Event::display(false));
    fixture.run(10);
    CHECK(telemetry().find(R"("display":"missing")") != std::string::npos);
    fixture.device.on(Event::display(true));
    fixture.run(10);
    CHECK(telemetry().find(R"("display":"ok")") != std::string::npos);
    CHECK(fixture.mqtt.of("/up/telemetry").size() == 3);
}

TEST_CASE("a stream runs until the second press, with STREAM in every chunk") {
    Settings settings = test_settings();
    settings.mode = Mode::kStream;
    DeviceFixture fixture(settings, 32 * 512);
    fixture.make_ready();
    fixture.press_button();
    fixture.run(30'000);
    CHECK(fixture.state() == State::kRecording);
    fixture.down(
        "live",
        "{\"v\":1,\"recording_id\":\"" + std::string(recording_name(fixture.newest()).view()) +
            "\",\"t_s\":12.5,\"bpm\":72,\"quality\":0.93,\"hint\":\"HR 72 good\",\"label\":\"normal\"}");
    fixture.run(200);
    CHECK(fixture.shows("HR 72 good"));
    CHECK(fixture.shows("normal"));
    fixture.run(4'000);
    CHECK_FALSE(fixture.shows("HR 72 good"));  // too old
    // Memory holds 4 s: what is asked of the last two is there, what is asked of the first is not.
    const std::uint32_t now = fixture.device.recordings().current()->length();
    const auto before = fixture.mqtt.of("/up/pcm").size();
    fixture.control(
        "missing", fixture.newest(),
        ",\"ranges\":[[0,500],[" + std::to_string(now - 8'000) + "," + std::to_string(now - 7'500) + "]]");
    fixture.run(20);
    const auto resent = decode_chunk(fixture.mqtt.of("/up/pcm").at(before).payload).chunk->header;
    CHECK(resent.first_sample == now - 8'000);
    CHECK(resent.sample_count == 500);
    CHECK((resent.flags & chunk_flag::kResend) != 0);
    fixture.press_button();
    fixture.run(500);
    const ReceivedRecording received = fixture.received().begin()->second;
    CHECK(received.is_complete());
    CHECK(*received.length > 130'000);
    for (const Message& message : fixture.mqtt.of("/up/pcm")) {
        const auto header = decode_chunk(message.payload).chunk->header;
        CHECK((header.flags & chunk_flag::kStream) != 0);
    }
}

TEST_CASE("live values of another recording are not shown") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.down("live", R"({"v":1,"recording_id":"0000000000000001","t_s":1,"hint":"press firmer"})");
    fixture.run(200);
    CHECK_FALSE(fixture.shows("press firmer"));
}

TEST_CASE("a sound before the microphone has settled is not recorded") {
    DeviceFixture fixture;
    fixture.device.begin();
    fixture.run(100);
    fixture.press_button();
    CHECK(fixture.device.recordings().current()->length() == 0);  // pressed 0.1 s after the start
    fixture.run(300);
    CHECK(fixture.device.recordings().current()->length() > 0);
}

TEST_CASE("a microphone that cannot be started is told before anybody presses") {
    DeviceFixture fixture;
    fixture.audio.can_start = false;
    fixture.has_microphone = false;
    fixture.make_ready();
    CHECK(fixture.shows("microphone silent"));
    CHECK(fixture.shows("check the wiring"));
}
