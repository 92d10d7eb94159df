#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("c4 the gate records what is loud, from before it became loud until it is quiet") {
    Settings settings = test_settings();
    settings.mode = Mode::kGate;
    DeviceFixture fixture(settings);
    fixture.silent = true;
    fixture.make_ready();
    CHECK(fixture.shows("LISTENING"));
    fixture.run(5'000);
    CHECK(fixture.received().empty());
    for (int event = 1; event <= 2; ++event) {
        fixture.silent = false;
        fixture.run(800);
        CHECK(fixture.state() == State::kRecording);
        fixture.silent = true;
        fixture.run(1'000);
        CHECK(fixture.state() == State::kWaitResult);
        const auto received = fixture.received();
        REQUIRE(received.size() == static_cast<std::size_t>(event));
        const ReceivedRecording& sound = received.at(fixture.newest());
        CHECK(sound.is_complete());
        CHECK((sound.flags & chunk_flag::kStream) == 0);
        // 0.2 s before, 0.8 s of sound, 0.3 s of quiet
        CHECK(*sound.length == 200 * 4 + 800 * 4 + 300 * 4);
        CHECK(sound.samples.at(0) == 3);
        CHECK(sound.samples.at(799) == 3);
        CHECK(sound.samples.at(*sound.length - 1) == 3);
        fixture.control("stored", fixture.newest());
        fixture.result(fixture.newest());
        fixture.run(500);
    }
}

TEST_CASE("c4 a press records in the gate's mode too, and a noise does not end what it began") {
    Settings settings = test_settings();
    settings.mode = Mode::kGate;
    DeviceFixture fixture(settings);
    fixture.silent = true;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(1'300);
    CHECK(*fixture.received().begin()->second.length == 4'000);
    fixture.silent = false;
    fixture.run(300);
    CHECK(fixture.state() == State::kRecording);
    CHECK(fixture.received().size() == 2);
}

TEST_CASE("c4 sound that never ends is cut by the gate's limit, and goes on in the next recording") {
    Settings settings = test_settings();
    settings.mode = Mode::kGate;
    DeviceFixture fixture(settings, 400 * 512);
    fixture.silent = true;
    fixture.make_ready();
    fixture.silent = false;
    fixture.run(25'000);
    const auto received = fixture.received();
    CHECK(received.size() == 3);
    int complete = 0;
    for (const auto& [id, sound] : received) complete += sound.is_complete() ? 1 : 0;
    CHECK(complete == 2);
}
