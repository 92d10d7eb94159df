#include "core/display/sh1106.h"

#include <doctest/doctest.h>

#include <random>

#include "core/display/font.h"
#include "posix/sh1106_emulator.h"

using namespace stetho;
using posix::Sh1106Emulator;

namespace {

Canvas noise(unsigned seed) {
    std::mt19937 random(seed);
    Canvas canvas;
    for (int y = 0; y < Canvas::kHeight; ++y) {
        for (int x = 0; x < Canvas::kWidth; ++x) canvas.set(x, y, random() % 2 == 0 ? Ink::kOn : Ink::kOff);
    }
    return canvas;
}

}  // namespace

TEST_CASE("what is drawn is what is seen, from the first picture on") {
    Sh1106Emulator chip;
    Sh1106 display(chip);
    CHECK(chip.visible_canvas() == Canvas());  // not lit yet: no noise is shown
    for (unsigned seed = 0; seed < 20; ++seed) {
        const Canvas canvas = noise(seed);
        REQUIRE(display.show(canvas, 0));
        CHECK(chip.visible_canvas() == canvas);
    }
    CHECK(chip.unknown_commands() == 0);
}

TEST_CASE("the picture is upright: the corners are where they belong") {
    Sh1106Emulator chip;
    Sh1106 display(chip);
    Canvas canvas;
    canvas.set(0, 0);
    canvas.set(127, 1);
    canvas.set(2, 63);
    REQUIRE(display.show(canvas, 0));
    CHECK(chip.visible_canvas().get(0, 0));
    CHECK(chip.visible_canvas().get(127, 1));
    CHECK(chip.visible_canvas().get(2, 63));
    CHECK_FALSE(chip.visible_canvas().get(127, 0));
}

TEST_CASE("only what changed goes over the bus") {
    Sh1106Emulator chip;
    Sh1106 display(chip);
    Canvas canvas = noise(1);
    REQUIRE(display.show(canvas, 0));
    const auto before = display.bytes_written();
    REQUIRE(display.show(canvas, 0));
    CHECK(display.bytes_written() == before);
    canvas.set(70, 30, Ink::kInvert);
    canvas.set(75, 30, Ink::kInvert);
    const int data_before = chip.data_bytes();
    REQUIRE(display.show(canvas, 0));
    CHECK(chip.data_bytes() - data_before == 6);
    CHECK(chip.visible_canvas() == canvas);
}

TEST_CASE("the first and the last column can change alone") {
    Sh1106Emulator chip;
    Sh1106 display(chip);
    Canvas canvas;
    REQUIRE(display.show(canvas, 0));
    for (const int x : {0, 127, 13, 14, 15, 16}) {
        canvas.set(x, 63);
        REQUIRE(display.show(canvas, 0));
        CHECK(chip.visible_canvas() == canvas);
    }
}

TEST_CASE("a display that is not there, or comes later, harms nothing") {
    Sh1106Emulator chip;
    Sh1106 display(chip);
    CHECK_FALSE(display.is_there());
    chip.unplug(true);
    CHECK_FALSE(display.show(noise(1), 0));
    CHECK(display.is_there() == false);
    CHECK_FALSE(display.show(noise(2), Sh1106::kAskAgainMs));
    chip.unplug(false);
    REQUIRE(display.show(noise(3), 2 * Sh1106::kAskAgainMs));
    CHECK(display.is_there() == true);
    CHECK(chip.visible_canvas() == noise(3));
}

TEST_CASE("a display that is not there is asked once every few seconds, not ten times a second") {
    for (const bool was_there : {false, true}) {
        CAPTURE(was_there);
        Sh1106Emulator chip;
        Sh1106 display(chip);
        if (was_there) REQUIRE(display.show(noise(1), 0));
        chip.unplug(true);
        const int before = chip.transactions();
        for (std::uint64_t now_ms = 100; now_ms <= 60'000; now_ms += 100) display.show(noise(2), now_ms);
        CHECK(chip.transactions() - before == 12);
        chip.unplug(false);
        CHECK_FALSE(display.show(noise(2), 60'000));
        REQUIRE(display.show(noise(2), 60'100));
        CHECK(chip.visible_canvas() == noise(2));
    }
}

TEST_CASE("a display that lost its power while unplugged is set up again") {
    Sh1106Emulator chip;
    Sh1106 display(chip);
    REQUIRE(display.show(noise(1), 0));
    chip.unplug(true);
    CHECK_FALSE(display.show(noise(2), 0));
    chip.lose_power();
    chip.unplug(false);
    REQUIRE(display.show(noise(2), Sh1106::kAskAgainMs));
    CHECK(chip.visible_canvas() == noise(2));
}

namespace {

// I2C bus that fails at one transaction.
class FailingBus final : public hal::I2c {
  public:
    explicit FailingBus(Sh1106Emulator& chip) : chip_(chip) {}
    bool answers(std::uint8_t address) override { return fails_in-- != 0 && chip_.answers(address); }
    bool write(std::uint8_t address, std::span<const std::uint8_t> bytes) override {
        return fails_in-- != 0 && chip_.write(address, bytes);
    }

    int fails_in = -1;

  private:
    Sh1106Emulator& chip_;
};

}  // namespace

TEST_CASE("a bus that fails at any one transaction is overcome by the next picture") {
    for (int at = 0; at < 40; ++at) {
        CAPTURE(at);
        Sh1106Emulator chip;
        FailingBus bus(chip);
        Sh1106 display(bus);
        bus.fails_in = at;
        const bool is_shown = display.show(noise(1), 0);
        CHECK(is_shown == (bus.fails_in >= 0));
        bus.fails_in = -1;
        REQUIRE(display.show(noise(2), Sh1106::kAskAgainMs));
        CHECK(chip.visible_canvas() == noise(2));
        CHECK(display.show(noise(3), Sh1106::kAskAgainMs));
        CHECK(chip.visible_canvas() == noise(3));
    }
}

TEST_CASE("asleep it is black, and awake it shows what came meanwhile") {
    Sh1106Emulator chip;
    Sh1106 display(chip);
    REQUIRE(display.show(noise(1), 0));
    display.set_power(false);
    REQUIRE(display.show(noise(1), 0));
    CHECK(chip.visible_canvas() == Canvas());
    REQUIRE(display.show(noise(2), 0));
    display.set_power(true);
    REQUIRE(display.show(noise(2), 0));
    CHECK(chip.visible_canvas() == noise(2));
}

TEST_CASE("the model takes single bytes with a control byte each, and refuses another address") {
    Sh1106Emulator chip;
    const std::array<std::uint8_t, 4> light{0x80, 0xAF, 0x80, 0xA5};
    CHECK_FALSE(chip.write(0x3D, light));
    REQUIRE(chip.write(0x3C, light));
    CHECK(chip.visible_canvas().get(64, 32));  // all on
}
