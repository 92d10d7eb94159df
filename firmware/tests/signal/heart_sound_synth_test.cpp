#include "core/signal/heart_sound_synth.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <vector>

using stetho::HeartSoundSynth;

namespace {

std::vector<std::int32_t> second_of(HeartSoundSynth& heart, std::size_t count) {
    std::vector<std::int32_t> slots(count);
    heart.fill(slots);
    return slots;
}

std::int32_t loudest(const std::vector<std::int32_t>& slots, std::size_t from, std::size_t to) {
    std::int32_t peak = 0;
    for (std::size_t at = from; at < to; ++at) peak = std::max(peak, std::abs(slots[at]));
    return peak;
}

}  // namespace

TEST_CASE("a synthetic heart beats as often as it is told, with two sounds a beat, and never clips") {
    for (const std::uint32_t rate : {4'000U, 16'000U, 44'100U}) {
        HeartSoundSynth heart(rate, 60);
        const auto slots = second_of(heart, 3 * rate);
        const std::int32_t peak = loudest(slots, 0, slots.size());
        CHECK(peak > (1 << 29));
        CHECK(peak < 2'000'000'000);
        for (std::size_t beat = 0; beat < 3; ++beat) {
            const std::size_t start = beat * rate;
            CHECK(loudest(slots, start, start + rate / 10) > peak / 2);                   // S1
            CHECK(loudest(slots, start + rate * 34 / 100, start + rate / 2) > peak / 4);  // S2, after 0.342 s
            CHECK(loudest(slots, start + rate * 7 / 10, start + rate * 99 / 100) < peak / 20);  // diastole
        }
    }
}

TEST_CASE("slots of a synthetic heart are those of a microphone of 24 bits") {
    HeartSoundSynth heart(16'000, 72);
    const auto slots = second_of(heart, 1'000);
    CHECK(std::all_of(slots.begin(), slots.end(), [](std::int32_t slot) { return (slot & 0xFF) == 0; }));
    CHECK(std::adjacent_find(slots.begin(), slots.end(), std::not_equal_to<>()) != slots.end());
}
