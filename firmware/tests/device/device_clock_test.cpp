#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

constexpr std::int64_t kCaS = 1'795'972'801;  // from when the CA below is valid
constexpr std::int64_t kHalfDayS = 43'200;

Settings with_ca() {
    std::ifstream file(STETHO_TESTS "/fuzz/corpus/certificate_date/ec", std::ios::binary);
    Settings settings = test_settings();
    settings.ca.append(std::string{std::istreambuf_iterator<char>(file), {}});
    return settings;
}

}  // namespace

TEST_CASE("certificates are checked by a clock that starts at the latest time that is surely over") {
    struct Case {
        std::uint32_t set_s;
        const char* stored;
        std::int64_t starts_s;
    };
    const Case cases[] = {
        {0, "", kCaS + kHalfDayS},
        {0, "damaged", kCaS + kHalfDayS},
        {1'700'000'000, "1700000000", kCaS + kHalfDayS},
        {1'800'000'000, "", 1'800'000'000},
        {1'800'000'000, "1900000000", 1'900'000'000},
    };
    for (const Case& each : cases) {
        Settings settings = with_ca();
        settings.time_s = each.set_s;
        DeviceFixture fixture(settings);
        if (each.stored[0] != 0) fixture.storage.values["time"] = each.stored;
        fixture.device.begin();
        CHECK(fixture.clock.started_at == each.starts_s * 1'000);
    }
}

TEST_CASE("without any date it starts where it is") {
    DeviceFixture fixture;
    fixture.device.begin();
    CHECK(fixture.clock.started_at == 0);
}

TEST_CASE("the time is stored once it is known, and at most once a day") {
    DeviceFixture fixture;
    fixture.clock.utc.reset();
    fixture.make_ready();
    fixture.device.on(Event::of(EventKind::kClockSet));
    CHECK_FALSE(fixture.storage.values.contains("time"));
    fixture.clock.utc = 1'795'627'201'123;
    fixture.device.on(Event::of(EventKind::kClockSet));
    CHECK(fixture.storage.values["time"] == "1795627201");
    *fixture.clock.utc += 3'600'000;
    fixture.device.on(Event::of(EventKind::kClockSet));
    CHECK(fixture.storage.values["time"] == "1795627201");
    *fixture.clock.utc += 86'400'000;
    fixture.device.on(Event::of(EventKind::kClockSet));
    CHECK(fixture.storage.values["time"] == "1795717201");
}

TEST_CASE("a certificate that is not valid by a clock that nobody has set: it is the time that is missing") {
    DeviceFixture fixture;
    fixture.clock.utc.reset();
    fixture.device.begin();
    fixture.run(50);
    fixture.disconnect(hal::ConnectionLoss::kOutOfDate);
    fixture.run(200);
    CHECK(fixture.state() == State::kConnecting);
    CHECK(fixture.shows("no time"));
    CHECK(fixture.shows("needs a time server"));
    fixture.clock.utc = 1'795'627'201'123;
    fixture.run(200);
    CHECK(fixture.shows("certificate date"));
}

TEST_CASE("the form can say the time; an empty one keeps what is there") {
    DeviceFixture fixture(std::nullopt);
    fixture.device.begin();
    fixture.form("host=broker&device_id=st-07&time=1795627201");
    CHECK(fixture.device.settings().time_s == 1'795'627'201);
    fixture.form("host=broker&time=");
    CHECK(fixture.device.settings().time_s == 1'795'627'201);
    fixture.form("host=broker&time=yesterday");
    fixture.run(100);
    CHECK(fixture.shows("time"));
}
