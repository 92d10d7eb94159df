// Streams that are longer than the memory of the buffer.
#include <doctest/doctest.h>

#include "core/wire/chunk.h"
#include "tests/recording_buffer_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("a stream that is longer than memory goes on when what was sent is forgotten") {
    BufferMemory memory(4);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin({.recording_id = 1, .sample_rate_hz = 4'000, .is_stream = true}));
    std::uint32_t at = 0;
    for (int round = 0; round < 50; ++round) {
        REQUIRE(buffer.append(counted(at, 700)) == 700);
        at += 700;
        if (round % 7 == 3) {
            buffer.append_lost(9);
            at += 9;
        }
        const ReadRecording received = read_all(buffer, 1, {at - 300, SampleRange::kToEnd}, 512);
        CHECK(is_counted(received, at - 291, at - 9));
        buffer.erase_before(1, at - 300);
        CHECK(buffer.find(1)->available_from() <= at - 300);
        CHECK(buffer.find(1)->available_from() + kBlock + 18 > at - 300);
    }
    buffer.finish();
    CHECK(buffer.find(1)->length() == at);
    const ReadRecording late = read_all(buffer, 1);  // what is asked for too late begins with a gap
    CHECK(late.segments.front().first_sample == buffer.find(1)->available_from());
    CHECK((late.segments.front().flags & chunk_flag::kGapBefore) != 0);
    CHECK(late.has_last());
    buffer.erase_before(1, SampleRange::kToEnd);
    CHECK(read_all(buffer, 1).has_last());
    buffer.erase(1);
    CHECK(buffer.free_samples() == 4 * kBlock);
}

TEST_CASE("whole blocks are given back, up to the sample and around a gap at their edge") {
    BufferMemory memory(4);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin(info(1)));
    buffer.append(counted(0, kBlock));
    buffer.append_lost(100);
    buffer.append(counted(kBlock + 100, 2 * kBlock));
    buffer.erase_before(1, kBlock - 1);
    CHECK(buffer.free_samples() == kBlock);
    buffer.erase_before(1, kBlock);
    CHECK(buffer.free_samples() == 2 * kBlock);
    CHECK(buffer.find(1)->available_from() == kBlock + 100);
    buffer.erase_before(1, 2 * kBlock + 100);
    CHECK(buffer.free_samples() == 3 * kBlock);
    const ReadRecording received = read_all(buffer, 1);
    CHECK(received.segments.front().first_sample == 2 * kBlock + 100);
    CHECK(is_counted(received, 2 * kBlock + 100, 3 * kBlock + 100));
}
