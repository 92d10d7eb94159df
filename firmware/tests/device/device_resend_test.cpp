#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("a result of another recording, or one that the broker had retained, is not shown") {
    Rig rig;
    rig.make_ready();
    rig.result(0x1234);
    rig.run(200);
    CHECK(rig.state() == State::kReady);
    rig.push();
    rig.run(1'300);
    rig.result(0x1234);
    CHECK(rig.state() == State::kWaitResult);
    rig.result(rig.newest());
    CHECK(rig.state() == State::kResult);
    rig.run(61'000);
    rig.result(rig.newest());  // a second time, after a reconnect
    CHECK(rig.state() == State::kReady);
}

TEST_CASE("a result frees the recording even if no `stored` came") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(1'300);
    rig.result(rig.newest());
    CHECK(rig.device.window().held() == 0);
}

TEST_CASE("what the worker misses is sent again, and only that") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(1'300);
    const auto id = rig.newest();
    const auto before = rig.mqtt.of("/up/pcm").size();
    rig.control("missing", id, ",\"ranges\":[[100,700],[3990,null]],\"meta\":true");
    rig.run(10);
    CHECK(rig.state() == State::kSending);
    rig.run(200);
    CHECK(rig.state() == State::kWaitResult);
    const auto messages = rig.mqtt.of("/up/pcm");
    REQUIRE(messages.size() == before + 4);
    const auto header = [&](std::size_t index) {
        return decode_chunk(messages[before + index].payload).chunk->header;
    };
    CHECK(header(0).type == ChunkType::kMeta);
    CHECK(header(1).first_sample == 100);
    CHECK(header(2).first_sample == 600);
    CHECK(header(2).sample_count == 100);
    CHECK((header(2).flags & chunk_flag::kResend) != 0);
    CHECK(header(3).first_sample == 3'990);
    CHECK((header(3).flags & chunk_flag::kLast) != 0);
}

TEST_CASE("a connection that is lost in the middle loses nothing") {
    for (int cut_at = 0; cut_at < 1'300; cut_at += 130) {
        CAPTURE(cut_at);
        Rig rig;
        rig.make_ready();
        rig.push();
        rig.acknowledges = cut_at % 260 == 0;  // or nothing was acknowledged at all
        rig.run(static_cast<std::uint32_t>(cut_at));
        const auto lost = rig.mqtt.unacknowledged.size();
        // The broker never got what it did not acknowledge.
        auto& sent = rig.mqtt.sent;
        sent.resize(sent.size() - std::min(sent.size(), lost));
        rig.cut();
        rig.acknowledges = true;
        rig.run(1'500);
        rig.connect();
        rig.run(3'000);
        const auto heard = rig.heard();
        REQUIRE(heard.size() == 1);
        CHECK(heard.begin()->second.is_complete());
        CHECK(*heard.begin()->second.length == 4'000);
    }
}

TEST_CASE("without `stored` the last chunk is sent again") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(1'300);
    const auto before = rig.mqtt.of("/up/pcm").size();
    rig.run(6'000);
    const auto messages = rig.mqtt.of("/up/pcm");
    REQUIRE(messages.size() == before + 1);
    const auto flags = decode_chunk(messages.back().payload).chunk->header.flags;
    CHECK((flags & chunk_flag::kLast) != 0);
    CHECK((flags & chunk_flag::kResend) != 0);
    CHECK(rig.state() == State::kWaitResult);  // a reminder is not sending
}

TEST_CASE("a ring that overflowed leaves a gap, and time stays true") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(300);
    rig.hear(40, 400);  // 0.1 s is missing
    rig.run(1'000);
    const Heard heard = rig.heard().begin()->second;
    CHECK(*heard.length == 4'000);
    CHECK(heard.samples.size() == 3'600);
    CHECK((heard.flags & chunk_flag::kGapBefore) != 0);
    CHECK(rig.device.window().unsent() == 0);
}

TEST_CASE("a recording that the worker refuses is shown, and kept") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(1'300);
    rig.control("rejected", rig.newest(), R"(,"reason":"quota","detail":"too many")");
    rig.run(100);
    CHECK(rig.state() == State::kError);
    CHECK(rig.says("not accepted"));
    CHECK(rig.device.window().held() == 1);
    rig.control("rejected", rig.newest(), R"(,"reason":"crc","detail":"crc")");
    CHECK(rig.device.window().held() == 1);
}

TEST_CASE("a worker that closes a recording in the middle ends it") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(400);
    rig.control("stored", rig.newest());
    rig.run(100);
    CHECK(rig.state() != State::kRecording);
    CHECK(rig.device.window().held() == 0);
    const auto chunks = rig.mqtt.of("/up/pcm").size();
    rig.run(10'000);
    CHECK(rig.mqtt.of("/up/pcm").size() == chunks);
    rig.push();
    CHECK(rig.state() == State::kRecording);
}

TEST_CASE("a stream goes on over gaps of any length, in memory that it has filled many times") {
    Settings settings = bench_settings();
    settings.mode = Mode::kStream;
    Rig rig(settings, 16 * 512);
    rig.make_ready();
    rig.push();
    std::uint32_t lost = 0;
    for (int round = 0; round < 20; ++round) {
        const auto gap = static_cast<std::uint32_t>(1 + round * 700);
        rig.run(static_cast<std::uint32_t>(100 + round * 130));
        rig.hear(40, gap);
        lost += gap;
        CHECK(rig.state() == State::kRecording);
    }
    rig.run(5'000);
    rig.push();
    rig.run(500);
    const Heard heard = rig.heard().begin()->second;
    REQUIRE(heard.length);
    CHECK(heard.samples.size() + lost == *heard.length);
    CHECK(rig.device.window().unsent() == 0);
}

TEST_CASE("results of the last sixteen recordings are waited for, and an older one is not") {
    Settings settings = bench_settings();
    settings.record_ms = 500;
    Rig rig(settings);
    rig.make_ready();
    std::vector<std::uint64_t> ids;
    for (int round = 0; round < 18; ++round) {
        rig.push();
        rig.run(600);
        ids.push_back(rig.newest());
        rig.control("stored", ids.back());
    }
    rig.result(ids[0]);
    CHECK(rig.state() == State::kWaitResult);
    rig.result(ids[2]);
    CHECK(rig.state() == State::kResult);
}
