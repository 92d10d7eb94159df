#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("a microphone that is silent, stuck or dead is shown, and harms nothing") {
    Rig rig;
    rig.make_ready();
    rig.microphone = MicrophoneState::kStuck;
    rig.run(200);
    CHECK(rig.says("microphone stuck"));
    rig.push();
    rig.run(300);
    CHECK(rig.says("microphone stuck"));
    rig.run(1'000);
    CHECK(rig.heard().begin()->second.is_complete());
    rig.microphone = MicrophoneState::kSilent;
    rig.run(200);
    rig.control("stored", rig.newest());
    rig.result(rig.newest());
    rig.run(61'000);
    CHECK(rig.says("microphone silent"));
    // No samples at all: the recording that was begun ends in an error, and nothing is sent of it.
    rig.has_microphone = false;
    rig.push();
    CHECK(rig.state() == State::kRecording);
    rig.run(3'000);
    CHECK(rig.state() == State::kError);
    CHECK(rig.says("no sound arrives"));
    CHECK(rig.heard().size() == 1);
    CHECK(rig.device.window().held() == 0);
    rig.push();
    CHECK(rig.state() == State::kReady);
}

TEST_CASE("a stream runs until the second press, with STREAM in every chunk") {
    Settings settings = bench_settings();
    settings.mode = Mode::kStream;
    Rig rig(settings, 32 * 512);
    rig.make_ready();
    rig.push();
    rig.run(30'000);
    CHECK(rig.state() == State::kRecording);
    rig.down("live",
             "{\"v\":1,\"recording_id\":\"" + std::string(recording_name(rig.newest()).view()) +
                 "\",\"t_s\":12.5,\"bpm\":72,\"quality\":0.93,\"hint\":\"HR 72 good\",\"label\":\"normal\"}");
    rig.run(200);
    CHECK(rig.says("HR 72 good"));
    CHECK(rig.says("normal"));
    rig.run(4'000);
    CHECK_FALSE(rig.says("HR 72 good"));  // too old
    // Memory holds 4 s: what is asked of the last two is there, what is asked of the first is not.
    const std::uint32_t now = rig.device.recordings().current()->length();
    const auto before = rig.mqtt.of("/up/pcm").size();
    rig.control(
        "missing", rig.newest(),
        ",\"ranges\":[[0,500],[" + std::to_string(now - 8'000) + "," + std::to_string(now - 7'500) + "]]");
    rig.run(20);
    const auto resent = decode_chunk(rig.mqtt.of("/up/pcm").at(before).payload).chunk->header;
    CHECK(resent.first_sample == now - 8'000);
    CHECK(resent.sample_count == 500);
    CHECK((resent.flags & chunk_flag::kResend) != 0);
    rig.push();
    rig.run(500);
    const Heard heard = rig.heard().begin()->second;
    CHECK(heard.is_complete());
    CHECK(*heard.length > 130'000);
    for (const Message& message : rig.mqtt.of("/up/pcm")) {
        const auto header = decode_chunk(message.payload).chunk->header;
        CHECK((header.flags & chunk_flag::kStream) != 0);
    }
}

TEST_CASE("live values of another recording are not shown") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.down("live", R"({"v":1,"recording_id":"0000000000000001","t_s":1,"hint":"press firmer"})");
    rig.run(200);
    CHECK_FALSE(rig.says("press firmer"));
}

TEST_CASE("a sound before the microphone has settled is not recorded") {
    Rig rig;
    rig.device.begin();
    rig.run(100);
    rig.push();
    CHECK(rig.device.recordings().current()->length() == 0);  // pressed 0.1 s after the start
    rig.run(300);
    CHECK(rig.device.recordings().current()->length() > 0);
}

TEST_CASE("a microphone that cannot be started is told before anybody presses") {
    Rig rig;
    rig.audio.can_start = false;
    rig.has_microphone = false;
    rig.make_ready();
    CHECK(rig.says("microphone silent"));
    CHECK(rig.says("check the wiring"));
}
