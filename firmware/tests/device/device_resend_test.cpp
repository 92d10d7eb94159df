#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("a result of another recording, or one that the broker had retained, is not shown") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.result(0x1234);
    fixture.run(200);
    CHECK(fixture.state() == State::kReady);
    fixture.press_button();
    fixture.run(1'300);
    fixture.result(0x1234);
    CHECK(fixture.state() == State::kWaitResult);
    fixture.result(fixture.newest());
    CHECK(fixture.state() == State::kResult);
    fixture.run(61'000);
    fixture.result(fixture.newest());  // a second time, after a reconnect
    CHECK(fixture.state() == State::kReady);
}

TEST_CASE("a result frees the recording even if no `stored` came") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'300);
    fixture.result(fixture.newest());
    CHECK(fixture.device.window().held() == 0);
}

TEST_CASE("what the worker misses is sent again, and only that") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'300);
    const auto id = fixture.newest();
    const auto before = fixture.mqtt.of("/up/pcm").size();
    fixture.control("missing", id, ",\"ranges\":[[100,700],[3990,null]],\"meta\":true");
    fixture.run(10);
    CHECK(fixture.state() == State::kSending);
    fixture.run(200);
    CHECK(fixture.state() == State::kWaitResult);
    const auto messages = fixture.mqtt.of("/up/pcm");
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
        DeviceFixture fixture;
        fixture.make_ready();
        fixture.press_button();
        fixture.acknowledges = cut_at % 260 == 0;  // or nothing was acknowledged at all
        fixture.run(static_cast<std::uint32_t>(cut_at));
        const auto lost = fixture.mqtt.unacknowledged.size();
        // The broker never got what it did not acknowledge.
        auto& sent = fixture.mqtt.sent;
        sent.resize(sent.size() - std::min(sent.size(), lost));
        fixture.disconnect();
        fixture.acknowledges = true;
        fixture.run(1'500);
        fixture.connect();
        fixture.run(3'000);
        const auto received = fixture.received();
        REQUIRE(received.size() == 1);
        CHECK(received.begin()->second.is_complete());
        CHECK(*received.begin()->second.length == 4'000);
    }
}

TEST_CASE("without `stored` the last chunk is sent again") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'300);
    const auto before = fixture.mqtt.of("/up/pcm").size();
    fixture.run(SendWindow::kRemindAfterMs + 1'000);
    const auto messages = fixture.mqtt.of("/up/pcm");
    REQUIRE(messages.size() == before + 1);
    const auto flags = decode_chunk(messages.back().payload).chunk->header.flags;
    CHECK((flags & chunk_flag::kLast) != 0);
    CHECK((flags & chunk_flag::kResend) != 0);
    CHECK(fixture.state() == State::kWaitResult);  // a reminder is not sending
}

TEST_CASE("a ring that overflowed leaves a gap, and time stays true") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(300);
    fixture.feed_audio(40, 400);  // 0.1 s is missing
    fixture.run(1'000);
    const ReceivedRecording received = fixture.received().begin()->second;
    CHECK(*received.length == 4'000);
    CHECK(received.samples.size() == 3'600);
    CHECK((received.flags & chunk_flag::kGapBefore) != 0);
    CHECK(fixture.device.window().unsent() == 0);
}

TEST_CASE("a recording that the worker refuses is shown, and kept") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'300);
    fixture.control("rejected", fixture.newest(), R"(,"reason":"quota","detail":"too many")");
    fixture.run(100);
    CHECK(fixture.state() == State::kError);
    CHECK(fixture.shows("not accepted"));
    CHECK(fixture.device.window().held() == 1);
    fixture.control("rejected", fixture.newest(), R"(,"reason":"crc","detail":"crc")");
    CHECK(fixture.device.window().held() == 1);
}

TEST_CASE("a worker that closes a recording in the middle ends it") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(400);
    fixture.control("stored", fixture.newest());
    fixture.run(100);
    CHECK(fixture.state() != State::kRecording);
    CHECK(fixture.device.window().held() == 0);
    const auto chunks = fixture.mqtt.of("/up/pcm").size();
    fixture.run(10'000);
    CHECK(fixture.mqtt.of("/up/pcm").size() == chunks);
    fixture.press_button();
    CHECK(fixture.state() == State::kRecording);
}

TEST_CASE("a stream goes on over gaps of any length, in memory that it has filled many times") {
    Settings settings = test_settings();
    settings.mode = Mode::kStream;
    DeviceFixture fixture(settings, 16 * 512);
    fixture.make_ready();
    fixture.press_button();
    std::uint32_t lost = 0;
    for (int round = 0; round < 20; ++round) {
        const auto gap = static_cast<std::uint32_t>(1 + round * 700);
        fixture.run(static_cast<std::uint32_t>(100 + round * 130));
        fixture.feed_audio(40, gap);
        lost += gap;
        CHECK(fixture.state() == State::kRecording);
    }
    fixture.run(5'000);
    fixture.press_button();
    fixture.run(500);
    const ReceivedRecording received = fixture.received().begin()->second;
    REQUIRE(received.length);
    CHECK(received.samples.size() + lost == *received.length);
    CHECK(fixture.device.window().unsent() == 0);
}

TEST_CASE("results of the last sixteen recordings are waited for, and an older one is not") {
    Settings settings = test_settings();
    settings.record_ms = 500;
    DeviceFixture fixture(settings);
    fixture.make_ready();
    std::vector<std::uint64_t> ids;
    for (int round = 0; round < 18; ++round) {
        fixture.press_button();
        fixture.run(600);
        ids.push_back(fixture.newest());
        fixture.control("stored", ids.back());
    }
    fixture.result(ids[0]);
    CHECK(fixture.state() == State::kWaitResult);
    fixture.result(ids[2]);
    CHECK(fixture.state() == State::kResult);
}
