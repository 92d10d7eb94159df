#include "core/storage/recording_buffer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/wire/chunk.h"
#include "tests/recording_buffer_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("a recording is read back whole, in chunks of any size, LAST on the last") {
    BufferMemory memory(8);
    record(memory.buffer, 1, 3'000);
    for (const std::size_t chunk : {1U, 100U, 512U, 700U, 2'999U, 3'000U, 8'192U}) {
        const ReadRecording received = read_all(memory.buffer, 1, chunk);
        CHECK(received.segments.size() == (3'000 + chunk - 1) / chunk);
        CHECK(is_counted(received, 0, 3'000));
        CHECK(received.has_last());
        CHECK(std::ranges::count_if(received.segments, &Segment::is_last) == 1);
    }
}

TEST_CASE("it is read while it is made, and has no LAST until it is finished") {
    BufferMemory memory(8);
    REQUIRE(memory.buffer.begin(info(1)));
    CHECK(memory.buffer.oldest_unstored() == nullptr);
    std::vector<std::int16_t> out(1'000);
    CHECK_FALSE(memory.buffer.read(1, {0, SampleRange::kToEnd}, out));
    memory.buffer.append(counted(0, 600));
    const auto segment = memory.buffer.read(1, {0, SampleRange::kToEnd}, out);
    CHECK(segment->count == 600);
    CHECK_FALSE(segment->is_last());
    CHECK_FALSE(memory.buffer.read(1, {600, SampleRange::kToEnd}, out));
    memory.buffer.finish();
    const auto empty = memory.buffer.read(1, {600, SampleRange::kToEnd}, out);  // all had left: LAST alone
    CHECK(empty->is_last());
    CHECK(empty->first_sample == 600);
    CHECK(empty->count == 0);
}

TEST_CASE("any range is read again; what is asked beyond the end is not there") {
    BufferMemory memory(8);
    record(memory.buffer, 1, 3'000);
    const ReadRecording middle = read_all(memory.buffer, 1, {777, 1'555}, 100);
    CHECK(middle.segments.front().first_sample == 777);
    CHECK(middle.segments.back().end() == 1'555);
    CHECK_FALSE(middle.has_last());
    CHECK(is_counted(middle, 777, 1'555));
    CHECK(read_all(memory.buffer, 1, {2'000, 9'999}, 512).segments.back().end() == 3'000);
    CHECK(read_all(memory.buffer, 1, {2'999, 3'000}, 512).has_last());
    CHECK(read_all(memory.buffer, 1, {3'000, 4'000}, 512).segments.empty());
    CHECK(read_all(memory.buffer, 1, {5'000, SampleRange::kToEnd}, 512).segments.front().first_sample ==
          3'000);
    CHECK(read_all(memory.buffer, 1, {7, 7}, 512).segments.empty());
    CHECK(read_all(memory.buffer, 1, {9, 7}, 512).segments.empty());
    CHECK(read_all(memory.buffer, 2, {0, 7}, 512).segments.empty());
    CHECK_FALSE(memory.buffer.read(1, {0, 7}, {}));
}

TEST_CASE("a recording of no sample is an empty LAST") {
    BufferMemory memory(2);
    REQUIRE(memory.buffer.begin(info(1)));
    memory.buffer.finish();
    const ReadRecording received = read_all(memory.buffer, 1);
    REQUIRE(received.segments.size() == 1);
    CHECK(received.has_last());
    CHECK(received.segments[0].end() == 0);
}

TEST_CASE("a6: lost samples are jumped over, and the next segment says so") {
    BufferMemory memory(8);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin(info(1)));
    buffer.append(counted(0, 700));
    buffer.append_lost(300);
    buffer.append_lost(24);
    buffer.append(counted(1'024, 1'000));
    buffer.finish();
    CHECK(buffer.find(1)->length() == 2'024);
    const ReadRecording received = read_all(buffer, 1, 600);
    REQUIRE(received.segments.size() == 4);
    CHECK(is_counted(received, 0, 700));
    CHECK_FALSE(received.samples[700]);
    CHECK_FALSE(received.samples[1'023]);
    CHECK(is_counted(received, 1'024, 2'024));
    CHECK(received.segments[1].end() == 700);
    CHECK((received.segments[1].flags & chunk_flag::kGapBefore) == 0);
    CHECK(received.segments[2].first_sample == 1'024);
    CHECK((received.segments[2].flags & chunk_flag::kGapBefore) != 0);
    CHECK((received.segments[3].flags & chunk_flag::kGapBefore) == 0);
    CHECK(read_all(buffer, 1, {800, 1'030}, 600).segments.front().first_sample == 1'024);
    CHECK(read_all(buffer, 1, {800, 1'000}, 600).segments.empty());
}

TEST_CASE("a loss at the beginning and at the end keeps the length true") {
    BufferMemory memory(8);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin(info(1)));
    buffer.append_lost(10);
    buffer.append(counted(10, 90));
    buffer.append_lost(100);
    buffer.finish();
    const ReadRecording received = read_all(buffer, 1);
    REQUIRE(received.segments.size() == 2);
    CHECK(received.segments[0].first_sample == 10);
    CHECK(received.segments[0].flags == chunk_flag::kGapBefore);
    CHECK(received.segments[1].first_sample == 200);
    CHECK(received.segments[1].flags == (chunk_flag::kGapBefore | chunk_flag::kLast));
}

TEST_CASE("more gaps than are kept: the audio since the last one counts as lost, time stays true") {
    BufferMemory memory(40);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin(info(1)));
    std::uint32_t at = 0;
    for (int gap = 0; gap < 20; ++gap) {
        buffer.append(counted(at, 600));
        buffer.append_lost(5);
        at += 605;
    }
    buffer.append(counted(at, 600));
    buffer.finish();
    CHECK(buffer.find(1)->length() == at + 600);
    const ReadRecording received = read_all(buffer, 1);
    for (std::uint32_t index = 0; index < at + 600; ++index) {
        const bool was_kept = index % 605 < 600 && (index < 605 * 16 || index >= at);
        CHECK(received.samples[index].has_value() == was_kept);
        if (was_kept) CHECK(received.samples[index] == static_cast<std::int16_t>(index % 30'011));
    }
    CHECK(buffer.free_samples() ==
          (40 - 20) * kBlock);  // 17 times 600 samples: the dropped ones gave memory back
}

TEST_CASE("full scale is flagged where it is") {
    BufferMemory memory(4);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin({.recording_id = 1, .sample_rate_hz = 4'000, .is_stream = true}));
    std::vector<std::int16_t> sound(300, 5);
    sound[150] = -32'768;
    buffer.append(sound);
    buffer.finish();
    const ReadRecording received = read_all(buffer, 1, 100);
    CHECK(received.segments[0].flags == chunk_flag::kStream);
    CHECK(received.segments[1].flags == (chunk_flag::kStream | chunk_flag::kClipped));
    CHECK(received.segments[2].flags == (chunk_flag::kStream | chunk_flag::kLast));
}

TEST_CASE("a6: memory full of what is not stored: nothing goes, and it is said") {
    BufferMemory memory(4);
    auto& buffer = memory.buffer;
    record(buffer, 1, 2 * kBlock);
    REQUIRE(buffer.begin(info(2)));
    CHECK(buffer.append(counted(0, 3 * kBlock)) == 2 * kBlock);
    CHECK(buffer.append(counted(0, 1)) == 0);
    buffer.finish();
    CHECK_FALSE(buffer.has_room(1));
    CHECK_FALSE(buffer.begin(info(3)));
    CHECK(is_counted(read_all(buffer, 1), 0, 2 * kBlock));
    CHECK(is_counted(read_all(buffer, 2), 0, 2 * kBlock));
    CHECK(buffer.unstored() == 2);
    CHECK(buffer.free_samples() == 0);
    CHECK(buffer.capacity_samples() == 4 * kBlock);
}

TEST_CASE("a6: memory full: stored ones go, the oldest first, when the room is needed") {
    BufferMemory memory(4);
    auto& buffer = memory.buffer;
    record(buffer, 1, kBlock);
    record(buffer, 2, kBlock);
    record(buffer, 3, kBlock);
    CHECK(buffer.mark_stored(3));
    CHECK(buffer.mark_stored(1));
    CHECK_FALSE(buffer.mark_stored(9));
    CHECK(buffer.has_room(3 * kBlock));
    CHECK_FALSE(buffer.has_room(3 * kBlock + 1));
    record(buffer, 4, kBlock);
    CHECK(buffer.find(1) != nullptr);  // there was a free block
    record(buffer, 5, kBlock);
    CHECK(buffer.find(1) == nullptr);
    CHECK(buffer.find(3) != nullptr);
    CHECK(buffer.find(2) != nullptr);
    CHECK(buffer.oldest_unstored()->info().recording_id == 2);
    record(buffer, 6, kBlock);
    CHECK(buffer.find(3) == nullptr);
    CHECK_FALSE(buffer.begin(info(7)));
}

TEST_CASE("a recording that the worker closes is finished by that") {
    BufferMemory memory(4);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin(info(1)));
    buffer.append(counted(0, 100));
    CHECK(buffer.is_recording());
    CHECK(buffer.mark_stored(1));
    CHECK_FALSE(buffer.is_recording());
    CHECK(buffer.append(counted(0, 1)) == 0);
    CHECK(buffer.find(1)->is_finished());
    CHECK(buffer.oldest_unstored() == nullptr);
}

TEST_CASE("one at a time, each id once; cancelled and forgotten ones leave nothing") {
    BufferMemory memory(4);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin(info(1)));
    CHECK_FALSE(buffer.begin(info(2)));
    buffer.append(counted(0, 2'000));
    buffer.cancel();
    CHECK_FALSE(buffer.is_recording());
    CHECK(buffer.free_samples() == 4 * kBlock);
    record(buffer, 2, 100);
    CHECK_FALSE(buffer.begin(info(2)));
    buffer.erase(2);
    buffer.erase(2);
    CHECK(buffer.find(2) == nullptr);
    CHECK(buffer.free_samples() == 4 * kBlock);
    buffer.append_lost(5);
    buffer.finish();
    buffer.cancel();
    CHECK(buffer.unstored() == 0);
}

TEST_CASE("sixteen recordings are kept; a seventeenth takes the place of a stored one or of none") {
    BufferMemory memory(40);
    auto& buffer = memory.buffer;
    for (std::uint64_t id = 1; id <= 16; ++id) record(buffer, id, 10);
    CHECK_FALSE(buffer.has_room(1));
    CHECK_FALSE(buffer.begin(info(17)));
    buffer.mark_stored(5);
    record(buffer, 17, 10);
    CHECK(buffer.find(5) == nullptr);
    CHECK(buffer.unstored() == 16);
}

TEST_CASE("a6: the time of capture is kept, and learnt later when the clock was not set") {
    BufferMemory memory(4);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin({.recording_id = 1, .sample_rate_hz = 4'000, .started_ms = 500, .site = {"MV"}}));
    buffer.finish();
    CHECK_FALSE(buffer.find(1)->info().captured_unix_ms);
    buffer.set_captured(1, 1'000);
    buffer.set_captured(1, 2'000);
    CHECK(buffer.find(1)->info().captured_unix_ms == 1'000);
    CHECK(buffer.find(1)->info().started_ms == 500);
    CHECK(buffer.find(1)->info().site.view() == "MV");
}

TEST_CASE("no memory, no recording") {
    RecordingBuffer buffer({}, {});
    CHECK_FALSE(buffer.has_room(1));
    CHECK_FALSE(buffer.begin(info(1)));
    CHECK(buffer.append(counted(0, 1)) == 0);
    CHECK(buffer.oldest_unstored() == nullptr);
}
