#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("c4 the gate records what is loud, from before it became loud until it is quiet") {
    Settings settings = bench_settings();
    settings.mode = Mode::kGate;
    Rig rig(settings);
    rig.silent = true;
    rig.make_ready();
    CHECK(rig.says("LISTENING"));
    rig.run(5'000);
    CHECK(rig.heard().empty());
    for (int event = 1; event <= 2; ++event) {
        rig.silent = false;
        rig.run(800);
        CHECK(rig.state() == State::kRecording);
        rig.silent = true;
        rig.run(1'000);
        CHECK(rig.state() == State::kWaitResult);
        const auto heard = rig.heard();
        REQUIRE(heard.size() == static_cast<std::size_t>(event));
        const Heard& sound = heard.at(rig.newest());
        CHECK(sound.is_complete());
        CHECK((sound.flags & chunk_flag::kStream) == 0);
        // 0.2 s before, 0.8 s of sound, 0.3 s of quiet
        CHECK(*sound.length == 200 * 4 + 800 * 4 + 300 * 4);
        CHECK(sound.samples.at(0) == 3);
        CHECK(sound.samples.at(799) == 3);
        CHECK(sound.samples.at(*sound.length - 1) == 3);
        rig.control("stored", rig.newest());
        rig.result(rig.newest());
        rig.run(500);
    }
}

TEST_CASE("c4 a press records in the gate's mode too, and a noise does not end what it began") {
    Settings settings = bench_settings();
    settings.mode = Mode::kGate;
    Rig rig(settings);
    rig.silent = true;
    rig.make_ready();
    rig.push();
    rig.run(1'300);
    CHECK(*rig.heard().begin()->second.length == 4'000);
    rig.silent = false;
    rig.run(300);
    CHECK(rig.state() == State::kRecording);
    CHECK(rig.heard().size() == 2);
}

TEST_CASE("c4 sound that never ends is cut by the gate's limit, and goes on in the next recording") {
    Settings settings = bench_settings();
    settings.mode = Mode::kGate;
    Rig rig(settings, 400 * 512);
    rig.silent = true;
    rig.make_ready();
    rig.silent = false;
    rig.run(25'000);
    const auto heard = rig.heard();
    CHECK(heard.size() == 3);
    int complete = 0;
    for (const auto& [id, sound] : heard) complete += sound.is_complete() ? 1 : 0;
    CHECK(complete == 2);
}
