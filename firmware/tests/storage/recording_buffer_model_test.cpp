// Random operations on a recording buffer, compared with a model that keeps every sample.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/recording_buffer_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

// Model of the buffer: every sample of every recording.
struct Model {
    struct Recorded {
        std::uint64_t id;
        std::vector<std::optional<std::int16_t>> samples;
    };
    std::vector<Recorded> recordings;  // the current one is the last
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
        const ReadRecording received = read_all(buffer, id, 300);
        CHECK(received.has_last() == kept->is_finished());
        int wrong = 0;
        for (std::size_t at = kept->available_from(); at < received.samples.size(); ++at) {
            wrong += received.samples[at] == samples[at] ? 0 : 1;
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
        BufferMemory memory(12);
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
