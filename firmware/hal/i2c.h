// Interface to one device on an I2C bus; the display is the only one.
#pragma once

#include <cstdint>
#include <span>

namespace stetho::hal {

class I2c {
  public:
    virtual ~I2c() = default;

    // Returns whether a device acknowledges the 7-bit `address`. It takes at most 50 ms, and a device that is
    // not there is no error.
    virtual bool answers(std::uint8_t address) = 0;

    // Writes one transaction to the 7-bit `address`, in at most 50 ms. False: no acknowledge, or a bus fault.
    virtual bool write(std::uint8_t address, std::span<const std::uint8_t> bytes) = 0;
};

}  // namespace stetho::hal
