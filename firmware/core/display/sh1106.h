// The SH1106 OLED controller on I2C: 128 × 64 pixels, of a memory of 132 × 64.
//
// Thread rules: one task calls it. A full picture takes 27 ms at 400 kHz, so only what changed is written.
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

    // Shows `canvas`: sets the chip up first where that has not worked yet, then writes, of each page, the
    // columns that differ from what was shown before. False: the display does not answer; the next call
    // starts over, so a display that is plugged in later, or lost its power, comes back.
    bool show(const Canvas& canvas);

    // Lights the panel or lets it sleep; the picture stays. Takes effect at the next `show`.
    void set_power(bool is_on) { wants_power_ = is_on; }

    // Bytes that went over the bus since the start, for tests and telemetry.
    std::uint32_t bytes_written() const { return bytes_written_; }

  private:
    bool set_up();
    bool apply_power();
    bool show_page(const Canvas& canvas, int page);
    bool command(std::span<const std::uint8_t> bytes);
    bool write(std::span<const std::uint8_t> bytes);

    hal::I2c& bus_;
    std::uint8_t address_;
    Canvas shown_;           // what the chip holds, where `is_known_`
    bool is_ready_ = false;  // set up, and `shown_` is true
    bool is_powered_ = false;
    bool wants_power_ = true;
    std::uint32_t bytes_written_ = 0;
};

}  // namespace stetho
