#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "core/wire/json_reader.h"
#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

// Returns what the factory test printed until it ended, and whether it did within a minute and a half.
std::string run_test(DeviceFixture& fixture, const std::string& words, bool presses = true) {
    fixture.device.on(Event::test({reinterpret_cast<const std::uint8_t*>(words.data()), words.size()}));
    std::string printed;
    for (int second = 0; second < 90; ++second) {
        fixture.run(1'000);
        if (presses && fixture.shows("press the button")) fixture.press_button();
        printed += fixture.device.console();
        fixture.device.printed();
        if (printed.ends_with("PASS\n") || printed.ends_with("FAIL\n") || printed.ends_with("}\n")) return printed;
    }
    return printed + "(no end)";
}

}  // namespace

TEST_CASE("the factory test prints a line for each part, and PASS") {
    DeviceFixture fixture;
    fixture.battery.reading = hal::BatteryReading{3'840, hal::Charging::kYes};
    fixture.make_ready();
    fixture.device.on(Event::display(true));
    const std::string printed = run_test(fixture, "");
    CHECK(printed.starts_with("board ok 24:6f:28:aa:bb:cc, stetho 0.2.0, bench\nmicrophone ok level "));
    CHECK(printed.ends_with("display ok the pattern was seen\nbutton ok pressed and released\n"
                            "network ok ward, -61 dBm\nflash ok written and read, no part for recordings\n"
                            "psram none\n"
                            "battery ok 3840 mV, 50 %, charging\nPASS\n"));
    CHECK(fixture.shows("PASS"));
    CHECK(fixture.state() == State::kReady);
    fixture.press_button();  // the verdict is read: nothing is recorded
    CHECK(fixture.shows("press to record"));
    CHECK(fixture.received().empty());
}

TEST_CASE("each part that fails says what to do, and the last line is FAIL") {
    struct Fault {
        std::string item;
        std::function<void(DeviceFixture&)> make;
        std::string line;
        bool presses = true;
    };
    const Fault faults[] = {
        {"microphone", [](auto& it) { it.microphone = MicrophoneState::kSilent; },
         "microphone FAIL silent: check SD, SCK, WS and power"},
        {"microphone", [](auto& it) { it.microphone = MicrophoneState::kLoose; },
         "microphone FAIL loose: check the wire of SD"},
        {"microphone", [](auto& it) { it.has_microphone = false; },
         "microphone FAIL no sound arrives: check WS and SCK"},
        {"display", [](auto& it) { it.device.on(Event::display(false)); },
         "display FAIL does not answer: check SDA, SCL, power and its address"},
        {"display", [](auto&) {}, "display FAIL no press within 30 s: the pattern was not seen", false},
        {"button", [](auto&) {}, "button FAIL no press within 30 s: check its wires", false},
        {"network", [](auto& it) { it.network.up = false; },
         "network FAIL not joined within 20 s: check antenna, name and password"},
        {"flash", [](auto& it) { it.storage.is_worn_out = true; },
         "flash FAIL takes nothing: it is full or worn out"},
    };
    for (const Fault& fault : faults) {
        CAPTURE(fault.line);
        DeviceFixture fixture;
        fixture.make_ready();
        fault.make(fixture);
        CHECK(run_test(fixture, " " + fault.item, fault.presses) == fault.line + "\nFAIL\n");
        CHECK(fixture.shows("FAIL"));
        CHECK(fixture.shows(fault.item));
        fixture.run(31'000);
        CHECK_FALSE(fixture.has_title("TEST"));
    }
}

TEST_CASE("a button that is stuck is no press") {
    DeviceFixture fixture;
    fixture.make_ready();
    const std::string words = " button";
    fixture.device.on(Event::test({reinterpret_cast<const std::uint8_t*>(words.data()), words.size()}));
    fixture.device.on(Event::button(true));
    fixture.run(4'000);
    CHECK(fixture.device.console() == "button FAIL held for 3 s: check it for a short to ground\nFAIL\n");
    CHECK(fixture.state() == State::kReady);  // it did not open the access point
}

TEST_CASE("with --json there is one line, of all parts or of one") {
    DeviceFixture fixture;
    fixture.make_ready();
    CHECK(run_test(fixture, " battery --json") ==
          R"({"pass":true,"items":[{"item":"battery","verdict":"none","detail":""}]})"
          "\n");
    fixture.storage.is_worn_out = true;
    const std::string all = run_test(fixture, " --json");
    CHECK(all.starts_with(R"({"pass":false,"items":[{"item":"board","verdict":"ok",)"));
    CHECK(all.find(R"({"item":"flash","verdict":"fail","detail":"takes nothing: it is full or worn out"})") !=
          std::string::npos);
    CHECK(all.ends_with("]}\n"));
    CHECK(read_object({reinterpret_cast<const std::uint8_t*>(all.data()), all.size() - 1},
                      [](std::string_view, JsonReader&) {}));
}

TEST_CASE("a device without settings is tested, too: its access point is its network") {
    DeviceFixture fixture(std::nullopt);
    fixture.device.begin();
    fixture.run(1'000);
    REQUIRE(fixture.state() == State::kProvision);
    CHECK(run_test(fixture, " network") == "network ok access point stetho-new, hears 3, the best -48 dBm\nPASS\n");
    CHECK(fixture.network.listens == 1);
    fixture.network.hears = hal::HeardNetworks{};
    CHECK(run_test(fixture, " network") == "network FAIL hears no access point: check the antenna\nFAIL\n");
    CHECK(fixture.network.listens == 2);
    fixture.network.hears.reset();  // it never ends
    CHECK(run_test(fixture, " network") == "network FAIL hears no access point: check the antenna\nFAIL\n");
    fixture.network.is_wireless = false;
    CHECK(run_test(fixture, " network") == "network none\nPASS\n");
    CHECK(fixture.state() == State::kProvision);
}

TEST_CASE("the flash for recordings is tested where no recording is, and says its size") {
    DeviceFixture fixture(test_settings(), 64 * 512, 500, false, 8);
    fixture.make_ready();
    CHECK(run_test(fixture, " flash") == "flash ok written and read, 32 KiB for recordings\nPASS\n");
    fixture.flash.stuck_sector = 0;  // each test takes the next sector
    const std::string bad = "flash FAIL a sector for recordings does not hold what is written\nFAIL\n";
    std::string said;
    for (int round = 0; round < 8 && said != bad; ++round) said = run_test(fixture, " flash");
    CHECK(said == bad);
}

TEST_CASE("a factory test leaves the recordings that are kept as they are") {
    DeviceFixture fixture(test_settings(), 64 * 512, 500, false, 4);
    fixture.make_ready();
    fixture.disconnect();
    fixture.press_button();
    fixture.run(9'000);
    REQUIRE(fixture.device.keeper().in_flash() == 1);
    for (int round = 0; round < 3; ++round)
        CHECK(run_test(fixture, " flash") == "flash ok written and read, 16 KiB for recordings\nPASS\n");
    CHECK(fixture.device.keeper().in_flash() == 1);
    CHECK(fixture.device.keeper().is_all_in_flash());
}

TEST_CASE("a test waits for a recording, and what is no part is told") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    CHECK(run_test(fixture, "", false).starts_with("busy: wait until the recording"));
    fixture.control("stored", fixture.newest());
    fixture.result(fixture.newest());
    fixture.run(61'000);
    CHECK(run_test(fixture, " antenna", false)
              .starts_with("test [ITEM] [--json]; items: board microphone display button network flash psram "
                           "battery\n"));
    CHECK_FALSE(fixture.has_title("TEST"));
}

TEST_CASE("a recording that is asked for during a test is refused until it is over") {
    DeviceFixture fixture;
    fixture.make_ready();
    const std::string words;
    fixture.device.on(Event::test({reinterpret_cast<const std::uint8_t*>(words.data()), 0}));
    fixture.down("command", R"({"id":"a","command":"record"})");
    fixture.run(500);
    CHECK(fixture.state() == State::kReady);
    CHECK(fixture.has_title("TEST"));
}
