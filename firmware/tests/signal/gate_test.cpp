#include "core/signal/gate.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/test_vector.h"

using namespace stetho;

namespace {

struct Event {
    std::uint32_t start = 0;
    std::uint32_t end = 0;
    std::string_view reason;
    bool operator==(const Event&) const = default;
};

struct Case {
    std::string_view name;
    std::uint32_t sample_rate_hz = 0;
    GateSettings settings;
    std::vector<std::int16_t> levels;
    std::vector<Event> events;
};

std::uint32_t number(const JsonReader& reader) {
    return static_cast<std::uint32_t>(reader.integer().value());
}

GateSettings read_settings(JsonReader& reader) {
    GateSettings settings;
    test::read_members(reader, [&](std::string_view key, JsonReader& value) {
        if (key == "threshold") {
            const auto scaled = std::uint32_t(value.thousandths().value()) * 32'768;
            settings.threshold = static_cast<std::uint16_t>((scaled + 500) / 1'000);
            return;
        }
        const auto blocks = static_cast<std::uint16_t>(number(value));
        if (key == "attack") settings.attack = blocks;
        if (key == "hold") settings.hold = blocks;
        if (key == "release") settings.release = blocks;
        if (key == "pre_roll") settings.pre_roll = blocks;
        if (key == "max") settings.max = blocks;
    });
    return settings;
}

Event read_event(JsonReader& reader) {
    Event event;
    test::read_members(reader, [&](std::string_view key, JsonReader& value) {
        if (key == "start") event.start = number(value);
        if (key == "end") event.end = number(value);
        if (key == "reason") event.reason = value.raw();
    });
    return event;
}

Case read_case(JsonReader& reader) {
    Case found;
    test::read_members(reader, [&](std::string_view key, JsonReader& value) {
        if (key == "name") found.name = value.raw();
        if (key == "sample_rate") found.sample_rate_hz = number(value);
        if (key == "settings") found.settings = read_settings(value);
        if (key == "levels") {
            test::read_array(value, [&](JsonReader& level) {
                found.levels.push_back(static_cast<std::int16_t>(number(level)));
            });
        }
        if (key == "events") {
            test::read_array(value, [&](JsonReader& event) { found.events.push_back(read_event(event)); });
        }
    });
    return found;
}

// Returns the samples of a case: +a, -a, ... for each block.
std::vector<std::int16_t> sound_of(const Case& given) {
    std::vector<std::int16_t> samples;
    for (const std::int16_t level : given.levels) {
        for (std::uint32_t at = 0; at < given.sample_rate_hz / 100; ++at) {
            samples.push_back(static_cast<std::int16_t>(at % 2 == 0 ? level : -level));
        }
    }
    return samples;
}

// Returns the complete events in `samples`, which the gate gets `size` at a time.
std::vector<Event> events_of(const Case& given, std::size_t size) {
    Gate gate(given.sample_rate_hz, given.settings);
    std::vector<Event> events;
    std::uint32_t start = 0;
    const auto sound = sound_of(given);
    for (std::size_t at = 0; at < sound.size(); at += size) {
        auto samples = std::span(sound).subspan(at, std::min(size, sound.size() - at));
        while (!samples.empty()) {
            const auto event = gate.step(samples);
            if (!event) continue;
            if (event->edge == GateEdge::kOpened) {
                start = event->sample;
            } else {
                events.push_back({start, event->sample, event->edge == GateEdge::kLimit ? "limit" : "quiet"});
            }
        }
    }
    return events;
}

}  // namespace

TEST_CASE("c4: the gate opens and closes where the shared vectors say, however the sound is cut") {
    const auto file = test::read_vectors("gate.json");
    int count = 0;
    read_object(file, [&](std::string_view key, JsonReader& cases) {
        if (key != "cases") return;
        test::read_array(cases, [&](JsonReader& reader) {
            const Case given = read_case(reader);
            CAPTURE(given.name);
            for (const std::size_t size : {std::size_t{1'000'000}, std::size_t{1}, std::size_t{37}}) {
                CHECK(events_of(given, size) == given.events);
            }
            ++count;
        });
    });
    CHECK(count >= 14);
}

TEST_CASE("c4: the gate is open between the two") {
    Gate gate(1'000, {.threshold = 655, .attack = 1, .hold = 1, .release = 1, .pre_roll = 0, .max = 9});
    const std::vector<std::int16_t> loud(10, 700);
    const std::vector<std::int16_t> quiet(10, 0);
    auto samples = std::span(loud);
    CHECK_FALSE(gate.is_open());
    CHECK(gate.step(samples)->edge == GateEdge::kOpened);
    CHECK(gate.is_open());
    samples = quiet;
    CHECK(gate.step(samples)->edge == GateEdge::kQuiet);
    CHECK_FALSE(gate.is_open());
}

TEST_CASE("c4: full scale does not overflow the sum") {
    Gate gate(192'000, {.threshold = 32'768, .attack = 1, .hold = 1, .release = 1, .pre_roll = 0, .max = 9});
    const std::vector<std::int16_t> loudest(1'920, -32'768);
    auto samples = std::span(loudest);
    CHECK(gate.step(samples).has_value());
}
