// Fixture of recording buffers: their memory, recordings of counted samples, and reading them back.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/storage/recording_buffer.h"

namespace stetho::test {

inline constexpr std::uint32_t kBlock = RecordingBuffer::kBlockSamples;

// Buffer of so many blocks with its memory.
struct BufferMemory {
    explicit BufferMemory(std::size_t blocks)
        : samples(blocks * kBlock), links(blocks), buffer(samples, links) {}
    std::vector<std::int16_t> samples;
    std::vector<std::uint16_t> links;
    RecordingBuffer buffer;
};

inline RecordingInfo info(std::uint64_t id) { return {.recording_id = id, .sample_rate_hz = 4'000}; }

// Returns the samples first, first + 1, ..., away from full scale.
inline std::vector<std::int16_t> counted(std::uint32_t first, std::uint32_t count) {
    std::vector<std::int16_t> samples(count);
    for (std::uint32_t at = 0; at < count; ++at)
        samples[at] = static_cast<std::int16_t>((first + at) % 30'011);
    return samples;
}

// Records `count` samples and finishes the recording.
inline void record(RecordingBuffer& buffer, std::uint64_t id, std::uint32_t count) {
    REQUIRE(buffer.begin(info(id)));
    REQUIRE(buffer.append(counted(0, count)) == count);
    buffer.finish();
}

// Recording assembled from segments; nothing where there was no sample.
struct ReadRecording {
    std::vector<std::optional<std::int16_t>> samples;
    std::vector<Segment> segments;
    bool has_last() const { return !segments.empty() && segments.back().is_last(); }
};

inline ReadRecording read_all(const RecordingBuffer& buffer, std::uint64_t id, SampleRange range,
                              std::size_t chunk_samples) {
    ReadRecording received;
    std::vector<std::int16_t> out(chunk_samples);
    while (const auto segment = buffer.read(id, range, out)) {
        REQUIRE(received.segments.size() < 10'000);
        received.segments.push_back(*segment);
        received.samples.resize(std::max<std::size_t>(received.samples.size(), segment->end()));
        std::copy_n(out.begin(), segment->count, received.samples.begin() + segment->first_sample);
        if (segment->is_last()) break;
        range.start = segment->end();
    }
    return received;
}

inline ReadRecording read_all(const RecordingBuffer& buffer, std::uint64_t id,
                              std::size_t chunk_samples = 700) {
    return read_all(buffer, id, {0, SampleRange::kToEnd}, chunk_samples);
}

inline bool is_counted(const ReadRecording& received, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t at = from; at < to; ++at) {
        if (received.samples[at] != static_cast<std::int16_t>(at % 30'011)) return false;
    }
    return true;
}

}  // namespace stetho::test
