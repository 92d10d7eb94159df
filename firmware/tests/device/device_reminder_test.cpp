#include <doctest/doctest.h>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("a6: the reminder carries LAST although samples of the last chunk were lost") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(900);
    fixture.feed_audio(10, 100);  // the ring has overflowed within the last 500 samples
    fixture.run(1'000);
    REQUIRE(fixture.state() == State::kWaitResult);
    const auto before = fixture.mqtt.of("/up/pcm").size();
    fixture.run(SendWindow::kRemindAfterMs + 1'000);
    const auto messages = fixture.mqtt.of("/up/pcm");
    REQUIRE(messages.size() == before + 1);
    const ChunkHeader header = decode_chunk(messages.back().payload).chunk->header;
    CHECK((header.flags & chunk_flag::kLast) != 0);
    CHECK((header.flags & chunk_flag::kResend) != 0);
    CHECK(header.first_sample + header.sample_count == 4'000);
}

TEST_CASE("a6: samples that were lost count towards the length, and do not make it longer") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(300);
    fixture.feed_audio(10, 50'000);
    fixture.run(500);
    CHECK(fixture.state() == State::kWaitResult);
    CHECK(fixture.device.window().progress(fixture.newest()).total == 4'000);
}

TEST_CASE("a command that the broker had kept is not obeyed: it would come back at every connect") {
    DeviceFixture fixture;
    fixture.make_ready();
    for (const bool is_retained : {true, false}) {
        const std::string payload = R"({"command":"restart"})";
        fixture.device.on(Event::message(
            "stetho/v1/device/st-01/down/command",
            {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}, is_retained));
        fixture.run(100);
        CHECK(fixture.system.restarts == (is_retained ? 0 : 1));
    }
}
