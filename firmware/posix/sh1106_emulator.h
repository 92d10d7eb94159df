// Emulator of the SH1106 after its data sheet: bytes on the I2C bus in, lit pixels out.
//
// It shares no code with the driver: a driver that writes to the wrong column, does not switch the charge
// pump or the panel on, or scans upside down shows a wrong or black picture.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/display/canvas.h"
#include "hal/i2c.h"

namespace stetho::posix {

class Sh1106Emulator final : public hal::I2c {
  public:
    static constexpr int kColumns = 132;  // columns of the memory; the display shows columns 2..129
    static constexpr int kFirstColumn = 2;

    explicit Sh1106Emulator(std::uint8_t address = 0x3C) : address_(address) { lose_power(); }

    bool answers(std::uint8_t address) override;

    // Processes one transaction. False: it is for another address, or the chip is unplugged.
    bool write(std::uint8_t address, std::span<const std::uint8_t> bytes) override;

    // Returns the visible pixels, with the module's flat cable below: black while the panel is off or has no
    // charge pump.
    Canvas visible_canvas() const;

    // Resets to the state after power-on, with noise in the memory.
    void lose_power();

    void unplug(bool is_unplugged) { is_unplugged_ = is_unplugged; }

    // Returns the number of commands that are not in the data sheet; a driver for this chip sends none.
    int unknown_commands() const { return unknown_commands_; }
    // Returns the number of bytes written to the memory.
    int data_bytes() const { return data_bytes_; }
    // Returns how often anything was asked or written on the bus, whether it was answered or not.
    int transactions() const { return transactions_; }

  private:
    void take_command(std::uint8_t byte);
    void take_argument(std::uint8_t byte);
    void take_data(std::uint8_t byte);
    bool lit(int x, int y) const;

    std::array<std::array<std::uint8_t, kColumns>, Canvas::kPages> memory_{};
    std::uint8_t address_;
    std::uint8_t pending_ = 0;  // a command that waits for its argument
    int page_ = 0;
    int column_ = 0;
    int start_line_ = 0;
    int offset_ = 0;
    int lines_ = 64;
    bool is_on_ = false;
    bool has_pump_ = true;
    bool is_mirrored_ = false;  // segment remap
    bool scans_up_ = false;     // common scan direction
    bool is_inverse_ = false;
    bool is_all_on_ = false;
    bool is_unplugged_ = false;
    int unknown_commands_ = 0;
    int data_bytes_ = 0;
    int transactions_ = 0;
};

}  // namespace stetho::posix
