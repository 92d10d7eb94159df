// One device on an I2C bus; the display is the only one.
#pragma once

#include <cstdint>
#include <span>

namespace stetho::hal {

class I2c {
  public:
    virtual ~I2c() = default;

    // Writes one transaction to the 7-bit `address`. False: no acknowledge or bus fault; at most 50 ms are
    // spent.
    virtual bool write(std::uint8_t address, std::span<const std::uint8_t> bytes) = 0;
};

}  // namespace stetho::hal
