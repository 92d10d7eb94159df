// Interface to one device on an I2C bus; the display is the only one.
#pragma once

#include <cstdint>
#include <span>

namespace stetho::hal {

class I2c {
  public:
    virtual ~I2c() = default;

    // Writes one transaction to the 7-bit `address`, in at most 50 ms. False: no acknowledge, or a bus fault.
    virtual bool write(std::uint8_t address, std::span<const std::uint8_t> bytes) = 0;
};

}  // namespace stetho::hal
