#include "core/device/recorder.h"

#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <vector>

using namespace stetho;
using Outcome = Recorder::Outcome;

namespace {

struct Bench {
    explicit Bench(Mode mode, std::size_t pre_roll_samples = 1'000, std::size_t memory_samples = 32 * 512)
        : samples(memory_samples),
          links(memory_samples / 512),
          pre_roll(pre_roll_samples),
          buffer(samples, links),
          recorder(buffer, pre_roll) {
        settings.sample_rate_hz = 4'000;
        settings.mode = mode;
        recorder.begin(settings);
        give(0, 1'200);  // until the microphone has settled
    }

    // Passes `count` samples of `value` in blocks of 37; starts a recording when the gate opens.
    int give(std::int16_t value, std::size_t count, bool follows = true) {
        int ended = 0;
        const std::vector<std::int16_t> block(37, value);
        while (count > 0) {
            std::span<const std::int16_t> rest(block.data(), std::min<std::size_t>(count, 37));
            count -= rest.size();
            while (!rest.empty()) {
                const Outcome outcome = recorder.process(rest);
                ended += outcome == Outcome::kEnded ? 1 : 0;
                if (outcome != Outcome::kOpened) continue;
                if (follows)
                    REQUIRE(start(0));
                else
                    recorder.decline();
            }
        }
        return ended;
    }

    bool start(std::uint32_t wanted) {
        RecordingInfo info;
        info.recording_id = ++id;
        info.started_ms = 10'000;
        info.captured_unix_ms = 1'000'000;
        return recorder.start(info, wanted);
    }

    std::vector<std::int16_t> recorded() const {
        std::vector<std::int16_t> out(buffer.find(id)->length());
        if (!out.empty()) REQUIRE(buffer.read(id, {0, SampleRange::kToEnd}, out)->count == out.size());
        return out;
    }

    Settings settings;
    std::vector<std::int16_t> samples;
    std::vector<std::uint16_t> links;
    std::vector<std::int16_t> pre_roll;
    RecordingBuffer buffer;
    Recorder recorder;
    std::uint64_t id = 0;
};

constexpr std::int16_t kLoud = 5'000;
constexpr std::int16_t kQuiet = 9;

}  // namespace

TEST_CASE("a recording has exactly the length that was wanted, across blocks of any size") {
    for (const std::uint32_t wanted : {1U, 36U, 37U, 38U, 4'000U}) {
        Bench bench(Mode::kOnce);
        REQUIRE(bench.start(wanted));
        CHECK(bench.give(kLoud, 5'000) == 1);
        CHECK(bench.recorded().size() == wanted);
        CHECK_FALSE(bench.recorder.is_recording());
    }
}

TEST_CASE("what comes before the microphone has settled is thrown away, lost samples included") {
    Bench bench(Mode::kOnce);
    bench.recorder.begin(bench.settings);
    REQUIRE(bench.start(100));
    bench.recorder.on_samples_lost(1'000);
    bench.give(kLoud, 199);
    CHECK(bench.buffer.current()->length() == 0);
    bench.give(kLoud, 2);
    CHECK(bench.buffer.current()->length() == 1);
    CHECK(bench.buffer.current()->info().started_ms == 10'000 + 300);  // when that one sample was taken
    CHECK(*bench.buffer.current()->info().captured_unix_ms == 1'000'000 + 300);
}

TEST_CASE("c4 the gate's recording begins before the gate opened, in time too") {
    Bench bench(Mode::kGate);
    bench.give(kQuiet, 2'000);
    CHECK(bench.give(kLoud, 400) == 0);
    CHECK(bench.recorder.is_gated());
    CHECK(bench.buffer.current()->info().started_ms == 10'000 - 220);  // 20 blocks before, and 2 to be sure
    CHECK(*bench.buffer.current()->info().captured_unix_ms == 1'000'000 - 220);
    CHECK(bench.give(kQuiet, 3'000) == 1);
    const auto sound = bench.recorded();
    // Not before the hold of 50 blocks is over, and 30 quiet ones have been.
    CHECK(sound.size() == 800 + 50 * 40);
    CHECK(sound[799] == kQuiet);
    CHECK(sound[800] == kLoud);
    CHECK(sound[1'199] == kLoud);
    CHECK(sound[1'200] == kQuiet);
}

TEST_CASE("c4 less memory for the pre-roll than it wants: what there is") {
    Bench bench(Mode::kGate, 300);
    bench.give(kQuiet, 2'000);
    bench.give(kLoud, 200);
    bench.give(kQuiet, 3'000);
    const auto sound = bench.recorded();
    CHECK(sound[219] == kQuiet);  // 300 less the two blocks that opened the gate
    CHECK(sound[220] == kLoud);
    Bench none(Mode::kGate, 0);
    none.give(kQuiet, 2'000);
    none.give(kLoud, 200);
    CHECK(none.recorder.is_recording());
    CHECK(none.buffer.current()->length() < 200);
}

TEST_CASE("c4 an opening that is declined is over; the next one is told again") {
    Bench bench(Mode::kGate);
    bench.give(kLoud, 400, false);
    CHECK_FALSE(bench.recorder.is_recording());
    REQUIRE(bench.start(50));  // by the button, not by that gate
    CHECK_FALSE(bench.recorder.is_gated());
    bench.give(kQuiet, 5'000);
    CHECK(bench.recorded().size() == 50);
    bench.give(kLoud, 400);
    CHECK(bench.recorder.is_gated());
}

TEST_CASE("c4 a gap while it listens begins the pre-roll anew: no sound is joined over it") {
    Bench bench(Mode::kGate);
    bench.give(77, 2'000);
    bench.recorder.on_samples_lost(500);
    bench.give(kQuiet, 100);
    bench.give(kLoud, 400);
    const auto length = bench.buffer.current()->length();
    CHECK(length <= 500);
    bench.give(kQuiet, 3'000);
    CHECK(bench.recorded()[0] == kQuiet);
}

TEST_CASE("memory that is full ends the recording, with all that fitted") {
    Bench bench(Mode::kStream, 10, 4 * 512);
    REQUIRE(bench.start(0));
    CHECK(bench.give(kLoud, 3'000) == 1);
    CHECK(bench.recorded().size() == 2'048);
    CHECK_FALSE(bench.start(10));  // and nothing of it is forgotten for another
}

TEST_CASE("a recording that is stopped without a sample is forgotten") {
    Bench bench(Mode::kOnce);
    REQUIRE(bench.start(100));
    bench.recorder.stop();
    CHECK(bench.buffer.find(bench.id) == nullptr);
    REQUIRE(bench.start(100));
    bench.give(kLoud, 10);
    bench.recorder.stop();
    CHECK(bench.recorded().size() == 10);
    bench.recorder.stop();  // nothing to stop
}

TEST_CASE("the pre-roll keeps the newest, whatever the blocks") {
    std::array<std::int16_t, 10> memory{};
    PreRoll pre_roll(memory);
    std::int16_t next = 0;
    for (const std::size_t block : {3U, 4U, 10U, 1U, 25U, 0U, 7U}) {
        std::vector<std::int16_t> samples(block);
        std::iota(samples.begin(), samples.end(), next);
        next = static_cast<std::int16_t>(next + static_cast<int>(block));
        pre_roll.push(samples);
        for (std::size_t count = 0; count <= pre_roll.size(); ++count) {
            std::vector<std::int16_t> out;
            pre_roll.last(count, [&](auto part) { out.insert(out.end(), part.begin(), part.end()); });
            REQUIRE(out.size() == count);
            for (std::size_t at = 0; at < count; ++at) {
                CHECK(out[at] == next - static_cast<int>(count) + static_cast<int>(at));
            }
        }
    }
    CHECK(pre_roll.size() == 10);
}
