// Driver of the SH1106 OLED controller on I2C: 128 × 64 pixels out of a memory of 132 × 64.
//
// One task calls it. A full picture takes 27 ms at 400 kHz, so only the columns that changed are written. A
// display that does not answer is asked again every few seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/display/canvas.h"
#include "hal/i2c.h"

namespace stetho {

class Sh1106 {
  public:
    static constexpr std::uint8_t kAddress = 0x3C;
    static constexpr std::uint32_t kAskAgainMs = 5'000;  // a display that does not answer

    explicit Sh1106(hal::I2c& bus, std::uint8_t address = kAddress) : bus_(bus), address_(address) {}

    // Shows `canvas`: initialises the chip if that has not worked yet, then writes, of each page, the columns
    // that differ from what was shown before. False: the display does not answer. A later call starts over,
    // so that a display that is plugged in later, or lost its power, comes back; until `kAskAgainMs` have
    // passed, calls leave the bus alone.
    bool show(const Canvas& canvas, std::uint64_t now_ms);

    // Returns whether the display answered the last time it was asked; nothing: it has not been asked yet.
    std::optional<bool> is_there() const { return is_there_; }

    // Switches the panel on or off; the picture stays in the chip. Takes effect at the next `show`.
    void set_power(bool is_on) { wants_power_ = is_on; }

    // Returns the number of bytes written to the bus since the start, for tests and telemetry.
    std::uint32_t bytes_written() const { return bytes_written_; }

  private:
    bool write_picture(const Canvas& canvas);
    bool set_up();
    bool apply_power();
    bool show_page(const Canvas& canvas, int page);
    bool command(std::span<const std::uint8_t> bytes);
    bool write(std::span<const std::uint8_t> bytes);

    hal::I2c& bus_;
    std::uint8_t address_;
    Canvas shown_;           // what the chip holds, if `is_ready_`
    bool is_ready_ = false;  // initialised, and `shown_` is true
    bool is_powered_ = false;
    bool wants_power_ = true;
    std::optional<bool> is_there_;
    std::uint64_t ask_at_ms_ = 0;  // a display that did not answer
    std::uint32_t bytes_written_ = 0;
};

}  // namespace stetho
