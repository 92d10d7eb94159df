#include "core/storage/recording_buffer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "core/wire/chunk.h"

using namespace stetho;

namespace {

constexpr std::uint32_t kBlock = RecordingBuffer::kBlockSamples;

// A buffer of so many blocks with its memory.
struct Memory {
    explicit Memory(std::size_t blocks) : samples(blocks * kBlock), links(blocks), buffer(samples, links) {}
    std::vector<std::int16_t> samples;
    std::vector<std::uint16_t> links;
    RecordingBuffer buffer;
};

RecordingInfo info(std::uint64_t id) { return {.recording_id = id, .sample_rate_hz = 4'000}; }

// Samples first, first + 1, ..., away from full scale.
std::vector<std::int16_t> counted(std::uint32_t first, std::uint32_t count) {
    std::vector<std::int16_t> samples(count);
    for (std::uint32_t at = 0; at < count; ++at)
        samples[at] = static_cast<std::int16_t>((first + at) % 30'011);
    return samples;
}

// Records `count` samples and finishes.
void record(RecordingBuffer& buffer, std::uint64_t id, std::uint32_t count) {
    REQUIRE(buffer.begin(info(id)));
    REQUIRE(buffer.append(counted(0, count)) == count);
    buffer.finish();
}

// A recording as it was put together again from segments: nothing where no sample came.
struct ReceivedRecording {
    std::vector<std::optional<std::int16_t>> samples;
    std::vector<Segment> segments;
    bool has_last() const { return !segments.empty() && segments.back().is_last(); }
};

ReceivedRecording read_all(const RecordingBuffer& buffer, std::uint64_t id, SampleRange range,
                           std::size_t chunk_samples) {
    ReceivedRecording heard;
    std::vector<std::int16_t> out(chunk_samples);
    while (const auto segment = buffer.read(id, range, out)) {
        REQUIRE(heard.segments.size() < 10'000);
        heard.segments.push_back(*segment);
        heard.samples.resize(std::max<std::size_t>(heard.samples.size(), segment->end()));
        std::copy_n(out.begin(), segment->count, heard.samples.begin() + segment->first_sample);
        if (segment->is_last()) break;
        range.start = segment->end();
    }
    return heard;
}

ReceivedRecording read_all(const RecordingBuffer& buffer, std::uint64_t id, std::size_t chunk_samples = 700) {
    return read_all(buffer, id, {0, SampleRange::kToEnd}, chunk_samples);
}

bool is_counted(const ReceivedRecording& heard, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t at = from; at < to; ++at) {
        if (heard.samples[at] != static_cast<std::int16_t>(at % 30'011)) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("a recording is read back whole, in chunks of any size, LAST on the last") {
    Memory memory(8);
    record(memory.buffer, 1, 3'000);
    for (const std::size_t chunk : {1U, 100U, 512U, 700U, 2'999U, 3'000U, 8'192U}) {
        const ReceivedRecording heard = read_all(memory.buffer, 1, chunk);
        CHECK(heard.segments.size() == (3'000 + chunk - 1) / chunk);
        CHECK(is_counted(heard, 0, 3'000));
        CHECK(heard.has_last());
        CHECK(std::ranges::count_if(heard.segments, &Segment::is_last) == 1);
    }
}

TEST_CASE("it is read while it is made, and has no LAST until it is finished") {
    Memory memory(8);
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
    Memory memory(8);
    record(memory.buffer, 1, 3'000);
    const ReceivedRecording middle = read_all(memory.buffer, 1, {777, 1'555}, 100);
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
    Memory memory(2);
    REQUIRE(memory.buffer.begin(info(1)));
    memory.buffer.finish();
    const ReceivedRecording heard = read_all(memory.buffer, 1);
    REQUIRE(heard.segments.size() == 1);
    CHECK(heard.has_last());
    CHECK(heard.segments[0].end() == 0);
}

TEST_CASE("a6: lost samples are jumped over, and the next segment says so") {
    Memory memory(8);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin(info(1)));
    buffer.append(counted(0, 700));
    buffer.append_lost(300);
    buffer.append_lost(24);
    buffer.append(counted(1'024, 1'000));
    buffer.finish();
    CHECK(buffer.find(1)->length() == 2'024);
    const ReceivedRecording heard = read_all(buffer, 1, 600);
    REQUIRE(heard.segments.size() == 4);
    CHECK(is_counted(heard, 0, 700));
    CHECK_FALSE(heard.samples[700]);
    CHECK_FALSE(heard.samples[1'023]);
    CHECK(is_counted(heard, 1'024, 2'024));
    CHECK(heard.segments[1].end() == 700);
    CHECK((heard.segments[1].flags & chunk_flag::kGapBefore) == 0);
    CHECK(heard.segments[2].first_sample == 1'024);
    CHECK((heard.segments[2].flags & chunk_flag::kGapBefore) != 0);
    CHECK((heard.segments[3].flags & chunk_flag::kGapBefore) == 0);
    CHECK(read_all(buffer, 1, {800, 1'030}, 600).segments.front().first_sample == 1'024);
    CHECK(read_all(buffer, 1, {800, 1'000}, 600).segments.empty());
}

TEST_CASE("a loss at the beginning and at the end keeps the length true") {
    Memory memory(8);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin(info(1)));
    buffer.append_lost(10);
    buffer.append(counted(10, 90));
    buffer.append_lost(100);
    buffer.finish();
    const ReceivedRecording heard = read_all(buffer, 1);
    REQUIRE(heard.segments.size() == 2);
    CHECK(heard.segments[0].first_sample == 10);
    CHECK(heard.segments[0].flags == chunk_flag::kGapBefore);
    CHECK(heard.segments[1].first_sample == 200);
    CHECK(heard.segments[1].flags == (chunk_flag::kGapBefore | chunk_flag::kLast));
}

TEST_CASE("more gaps than are kept: the audio since the last one counts as lost, time stays true") {
    Memory memory(40);
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
    const ReceivedRecording heard = read_all(buffer, 1);
    for (std::uint32_t index = 0; index < at + 600; ++index) {
        const bool was_kept = index % 605 < 600 && (index < 605 * 16 || index >= at);
        CHECK(heard.samples[index].has_value() == was_kept);
        if (was_kept) CHECK(heard.samples[index] == static_cast<std::int16_t>(index % 30'011));
    }
    CHECK(buffer.free_samples() ==
          (40 - 20) * kBlock);  // 17 times 600 samples: the dropped ones gave memory back
}

TEST_CASE("full scale is flagged where it is") {
    Memory memory(4);
    auto& buffer = memory.buffer;
    REQUIRE(buffer.begin({.recording_id = 1, .sample_rate_hz = 4'000, .is_stream = true}));
    std::vector<std::int16_t> sound(300, 5);
    sound[150] = -32'768;
    buffer.append(sound);
    buffer.finish();
    const ReceivedRecording heard = read_all(buffer, 1, 100);
    CHECK(heard.segments[0].flags == chunk_flag::kStream);
    CHECK(heard.segments[1].flags == (chunk_flag::kStream | chunk_flag::kClipped));
    CHECK(heard.segments[2].flags == (chunk_flag::kStream | chunk_flag::kLast));
}

TEST_CASE("a6: memory full of what is not stored: nothing goes, and it is said") {
    Memory memory(4);
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
    Memory memory(4);
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
    Memory memory(4);
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
    Memory memory(4);
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
    Memory memory(40);
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
    Memory memory(4);
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

TEST_CASE("a stream that is longer than memory goes on when what was sent is forgotten") {
    Memory memory(4);
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
        const ReceivedRecording heard = read_all(buffer, 1, {at - 300, SampleRange::kToEnd}, 512);
        CHECK(is_counted(heard, at - 291, at - 9));
        buffer.erase_before(1, at - 300);
        CHECK(buffer.find(1)->available_from() <= at - 300);
        CHECK(buffer.find(1)->available_from() + kBlock + 18 > at - 300);
    }
    buffer.finish();
    CHECK(buffer.find(1)->length() == at);
    const ReceivedRecording late = read_all(buffer, 1);  // what is asked for too late begins with a gap
    CHECK(late.segments.front().first_sample == buffer.find(1)->available_from());
    CHECK((late.segments.front().flags & chunk_flag::kGapBefore) != 0);
    CHECK(late.has_last());
    buffer.erase_before(1, SampleRange::kToEnd);
    CHECK(read_all(buffer, 1).has_last());
    buffer.erase(1);
    CHECK(buffer.free_samples() == 4 * kBlock);
}

TEST_CASE("whole blocks are given back, up to the sample and around a gap at their edge") {
    Memory memory(4);
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
    const ReceivedRecording heard = read_all(buffer, 1);
    CHECK(heard.segments.front().first_sample == 2 * kBlock + 100);
    CHECK(is_counted(heard, 2 * kBlock + 100, 3 * kBlock + 100));
}

TEST_CASE("no memory, no recording") {
    RecordingBuffer buffer({}, {});
    CHECK_FALSE(buffer.has_room(1));
    CHECK_FALSE(buffer.begin(info(1)));
    CHECK(buffer.append(counted(0, 1)) == 0);
    CHECK(buffer.oldest_unstored() == nullptr);
}

namespace {

// What a buffer should hold, in the simplest way: every sample of every recording.
struct Model {
    struct Recorded {
        std::uint64_t id;
        std::vector<std::optional<std::int16_t>> samples;
    };
    std::vector<Recorded> recordings;  // the current one last, while there is one
    std::uint64_t current = 0;
    std::uint32_t seed = 1;

    std::uint32_t random(std::uint32_t below) {  // xorshift32, G. Marsaglia (2003)
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        return seed % below;
    }
};

void check_against(const Model& model, const RecordingBuffer& buffer) {
    for (const auto& [id, samples] : model.recordings) {
        const auto* kept = buffer.find(id);
        if (kept == nullptr) continue;
        REQUIRE(kept->length() == samples.size());
        const ReceivedRecording heard = read_all(buffer, id, 300);
        CHECK(heard.has_last() == kept->is_finished());
        int wrong = 0;
        for (std::size_t at = kept->available_from(); at < heard.samples.size(); ++at) {
            wrong += heard.samples[at] == samples[at] ? 0 : 1;
        }
        CHECK(wrong == 0);
    }
}

void act(Model& model, RecordingBuffer& buffer, std::uint64_t next_id) {
    const std::uint32_t amount = model.random(900);
    switch (model.random(8)) {
        case 0:
            if (!buffer.is_recording() && buffer.begin(info(next_id))) {
                model.current = next_id;
                model.recordings.push_back({next_id, {}});
            }
            break;
        case 1:
            buffer.finish();
            break;
        case 2:
            if (buffer.is_recording()) {
                buffer.append_lost(amount);
                auto& samples = model.recordings.back().samples;
                samples.resize(samples.size() + amount);
            }
            break;
        case 3:
            if (!model.recordings.empty()) buffer.mark_stored(model.recordings.front().id);
            break;
        case 4:
            if (buffer.is_recording() && amount < 300) {
                buffer.erase_before(
                    model.current, buffer.current()->length() - std::min(buffer.current()->length(), amount));
            }
            break;
        default:
            if (buffer.is_recording()) {
                auto& samples = model.recordings.back().samples;
                const auto sound = counted(model.random(30'000), amount);
                const std::uint32_t done = buffer.append(sound);
                samples.insert(samples.end(), sound.begin(), sound.begin() + done);
            }
    }
    std::erase_if(model.recordings, [&](const auto& entry) { return buffer.find(entry.id) == nullptr; });
}

}  // namespace

TEST_CASE("a6: whatever is done in whatever order, every sample that is kept is the one that was recorded") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Memory memory(12);
        Model model;
        model.seed = seed * 7'919;
        for (std::uint64_t step = 1; step <= 300; ++step) {
            act(model, memory.buffer, step);
            if (model.current != 0 && memory.buffer.find(model.current) != nullptr &&
                memory.buffer.find(model.current)->length() == 0) {
                continue;
            }
            if (step % 10 == 0) check_against(model, memory.buffer);
        }
        for (const auto& [id, samples] : model.recordings) memory.buffer.erase(id);
        CHECK(memory.buffer.free_samples() == 12 * kBlock);
    }
}
