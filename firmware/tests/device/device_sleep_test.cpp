#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

constexpr std::uint32_t kUntilOffMs = 301'000;  // until the display is off

// Device in READY whose chip can sleep.
struct Sleeper : DeviceFixture {
    explicit Sleeper(const Settings& settings = test_settings()) : DeviceFixture(settings) {
        system.can_sleep = true;
        make_ready();
    }
};

}  // namespace

TEST_CASE("while the display is off the chip sleeps, without a microphone; being silent is no fault of it then") {
    Sleeper fixture;
    CHECK(fixture.audio.hz > 0);
    CHECK_FALSE(fixture.system.is_asleep);
    fixture.run(kUntilOffMs);
    CHECK(fixture.system.is_asleep);
    CHECK(fixture.device.is_asleep());
    CHECK(fixture.audio.hz == 0);
    fixture.run(60'000);
    CHECK(fixture.state() == State::kReady);
    CHECK_FALSE(fixture.device.is_display_on());
    CHECK(fixture.mqtt.of("/up/telemetry").back().text().find(R"("microphone":"ok")") != std::string::npos);
}

TEST_CASE("a press wakes it before it is over, and the recording is whole") {
    Sleeper fixture;
    fixture.run(kUntilOffMs);
    REQUIRE(fixture.system.is_asleep);
    fixture.device.on(Event::button(true));
    CHECK_FALSE(fixture.system.is_asleep);
    CHECK(fixture.audio.hz > 0);
    fixture.run(200);
    fixture.device.on(Event::button(false));
    fixture.run(2'500);
    CHECK(fixture.received()[fixture.newest()].is_complete());
    CHECK(fixture.received()[fixture.newest()].samples.size() == 4'000);
}

TEST_CASE("a command to record wakes it; the time of the recording is that of its first sample") {
    Sleeper fixture;
    fixture.run(kUntilOffMs);
    REQUIRE(fixture.system.is_asleep);
    const std::uint64_t asked_at = fixture.clock.now;
    fixture.down("command", R"({"id":"a","command":"record"})");
    CHECK_FALSE(fixture.system.is_asleep);
    REQUIRE(fixture.device.recordings().current() != nullptr);
    CHECK(fixture.device.recordings().current()->info().started_ms == asked_at + Recorder::kSettleMs);
    fixture.run(2'500);
    CHECK(fixture.received()[fixture.newest()].is_complete());
}

TEST_CASE("it sleeps again when the display goes off again, and out of reach of the broker, too") {
    Sleeper fixture;
    fixture.run(kUntilOffMs);
    fixture.down("command", R"({"id":"a","command":"identify"})");
    fixture.run(100);
    CHECK_FALSE(fixture.system.is_asleep);
    fixture.run(kUntilOffMs);
    CHECK(fixture.system.is_asleep);
    fixture.disconnect();
    fixture.run(100);
    CHECK_FALSE(fixture.system.is_asleep);
    fixture.network.up = false;
    fixture.run(2 * kUntilOffMs);
    CHECK(fixture.state() == State::kOffline);
    CHECK(fixture.system.is_asleep);
}

TEST_CASE("a gate listens all the time, and a chip that cannot sleep keeps its microphone") {
    Settings settings = test_settings();
    settings.mode = Mode::kGate;
    DeviceFixture gated(settings);
    gated.system.can_sleep = gated.silent = true;
    gated.make_ready();
    gated.run(2 * kUntilOffMs);
    CHECK_FALSE(gated.device.is_display_on());
    CHECK_FALSE(gated.system.is_asleep);
    CHECK(gated.audio.hz > 0);

    DeviceFixture fixture;
    fixture.make_ready();
    fixture.run(kUntilOffMs);
    CHECK_FALSE(fixture.device.is_display_on());
    CHECK_FALSE(fixture.device.is_asleep());
    CHECK(fixture.audio.hz > 0);
}

TEST_CASE("a factory test wakes it, and finds the microphone") {
    Sleeper fixture;
    fixture.run(kUntilOffMs);
    const std::string words = " microphone";
    fixture.device.on(Event::test({reinterpret_cast<const std::uint8_t*>(words.data()), words.size()}));
    fixture.run(4'000);
    CHECK(std::string(fixture.device.console()).starts_with("microphone ok level "));
}
