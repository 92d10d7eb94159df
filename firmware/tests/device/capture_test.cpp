#include "core/device/capture.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/tone.h"

using namespace stetho;

namespace {

std::vector<std::int16_t> drained(RingBuffer& ring) {
    std::vector<std::int16_t> out(ring.size());
    out.resize(ring.read(out).count);
    return out;
}

std::vector<std::int32_t> slots_of(std::span<const std::int16_t> samples, std::int32_t offset) {
    std::vector<std::int32_t> slots;
    for (const std::int16_t sample : samples) slots.push_back(sample * 0x1'0000 + offset);
    return slots;
}

}  // namespace

TEST_CASE("slots lose their offset and reach the ring as 16 bits") {
    std::vector<std::int16_t> memory(8'192);
    RingBuffer ring(memory);
    Capture capture(ring);
    REQUIRE(capture.begin({16'000, 16'000, 1}));
    const auto sound = test::sine(200, 16'000, 10'000, 8'000);
    capture.slots(slots_of(sound, 0x0400'0000));
    const auto out = drained(ring);
    REQUIRE(out.size() == 8'000);
    for (std::size_t at = 4'000; at < out.size(); ++at) CHECK(std::abs(out[at] - sound[at]) < 600);
    CHECK(capture.microphone() == MicrophoneState::kOk);
}

TEST_CASE("a5: 4 kHz is made from what the microphone can do") {
    std::vector<std::int16_t> memory(8'192);
    RingBuffer ring(memory);
    Capture capture(ring);
    REQUIRE(capture.begin({44'100, 4'000, 2}));
    capture.slots(slots_of(test::sine(200, 44'100, 10'000, 44'100), 0));
    const auto out = drained(ring);
    CHECK(out.size() == 4'000);
    CHECK(std::abs(test::level_db(std::span(out).subspan(400), 20'000)) < 0.1);
}

TEST_CASE("samples of a file are not touched") {
    std::vector<std::int16_t> memory(8'192);
    RingBuffer ring(memory);
    Capture capture(ring);
    REQUIRE(capture.begin({4'000, 4'000, 100}));
    const auto sound = test::sine(3, 4'000, 32'767, 4'000);
    capture.samples(sound);
    CHECK(drained(ring) == sound);
}

TEST_CASE("what the driver lost is lost at the rate of the recording") {
    std::vector<std::int16_t> memory(8'192);
    RingBuffer ring(memory);
    Capture capture(ring);
    REQUIRE(capture.begin({16'000, 4'000, 1}));
    const std::vector<std::int16_t> sound(400, 100);
    capture.samples(sound);
    capture.on_samples_lost(4'000);
    capture.samples(sound);
    std::vector<std::int16_t> out(8'192);
    CHECK(ring.read(out).count == 100);
    const auto taken = ring.read(out);
    CHECK(taken.lost_before == 1'000);
    CHECK(taken.count == 100);
}

TEST_CASE("a dead microphone is noticed although its offset is filtered out") {
    std::vector<std::int16_t> memory(8'192);
    RingBuffer ring(memory);
    Capture capture(ring);
    REQUIRE(capture.begin({4'000, 4'000, 1}));
    capture.slots(std::vector<std::int32_t>(4'000, INT32_MAX));
    CHECK(capture.microphone() == MicrophoneState::kStuck);
    capture.slots(std::vector<std::int32_t>(4'000, 0));
    CHECK(capture.microphone() == MicrophoneState::kSilent);
}

TEST_CASE("at another rate a capture begins anew, with nothing of the sound before it") {
    std::vector<std::int16_t> memory(8'192);
    RingBuffer ring(memory);
    Capture capture(ring);
    REQUIRE(capture.begin({44'100, 4'000, 1}));
    capture.slots(std::vector<std::int32_t>(4'410, INT32_MAX));
    drained(ring);
    REQUIRE(capture.begin({16'000, 4'000, 1}));
    CHECK(capture.microphone() == MicrophoneState::kOk);
    capture.samples(std::vector<std::int16_t>(4'000, 0));
    CHECK(drained(ring) == std::vector<std::int16_t>(1'000, 0));
}

TEST_CASE("no filter, no gain: no capture") {
    std::vector<std::int16_t> memory(8);
    RingBuffer ring(memory);
    Capture capture(ring);
    CHECK_FALSE(capture.begin({8'000, 4'000, 1}));
    CHECK_FALSE(capture.begin({16'000, 4'000, 0}));
    CHECK_FALSE(capture.begin({16'000, 4'000, 257}));
}
