#include <doctest/doctest.h>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("a6: the reminder carries LAST although samples of the last chunk were lost") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(900);
    rig.hear(10, 100);  // the ring has overflowed within the last 500 samples
    rig.run(1'000);
    REQUIRE(rig.state() == State::kWaitResult);
    const auto before = rig.mqtt.of("/up/pcm").size();
    rig.run(6'000);
    const auto messages = rig.mqtt.of("/up/pcm");
    REQUIRE(messages.size() == before + 1);
    const ChunkHeader header = decode_chunk(messages.back().payload).chunk->header;
    CHECK((header.flags & chunk_flag::kLast) != 0);
    CHECK((header.flags & chunk_flag::kResend) != 0);
    CHECK(header.first_sample + header.sample_count == 4'000);
}

TEST_CASE("a6: samples that were lost count towards the length, and do not make it longer") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(300);
    rig.hear(10, 50'000);
    rig.run(500);
    CHECK(rig.state() == State::kWaitResult);
    CHECK(rig.device.window().progress(rig.newest()).total == 4'000);
}

TEST_CASE("a command that the broker had kept is not obeyed: it would come back at every connect") {
    Rig rig;
    rig.make_ready();
    for (const bool is_retained : {true, false}) {
        const std::string payload = R"({"command":"restart"})";
        rig.device.on(Event::message("stetho/v1/device/st-01/down/command",
                                     {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
                                     is_retained));
        rig.run(100);
        CHECK(rig.system.restarts == (is_retained ? 0 : 1));
    }
}
