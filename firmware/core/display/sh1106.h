// Driver of the SH1106 OLED controller on I2C: 128 × 64 pixels out of a memory of 132 × 64.
//
// One task calls it. A full picture takes 27 ms at 400 kHz, so only the columns that changed are written.
#pragma once

#include <cstdint>
#include <span>

#include "core/display/canvas.h"
#include "hal/i2c.h"

namespace stetho {

class Sh1106 {
  public:
    static constexpr std::uint8_t kAddress = 0x3C;

    explicit Sh1106(hal::I2c& bus, std::uint8_t address = kAddress) : bus_(bus), address_(address) {}

    // Shows `canvas`: initialises the chip if that has not worked yet, then writes, of each page, the columns
    // that differ from what was shown before. False: the display does not answer. The next call starts over,
    // so that a display that is plugged in later, or lost its power, comes back.
    bool show(const Canvas& canvas);

    // Switches the panel on or off; the picture stays in the chip. Takes effect at the next `show`.
    void set_power(bool is_on) { wants_power_ = is_on; }

    // Returns the number of bytes written to the bus since the start, for tests and telemetry.
    std::uint32_t bytes_written() const { return bytes_written_; }

  private:
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
    std::uint32_t bytes_written_ = 0;
};

}  // namespace stetho
