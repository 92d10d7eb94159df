// I2C bus as master, 400 kHz.
#pragma once

#include "driver/i2c_master.h"
#include "hal/i2c.h"

namespace stetho::esp {

class I2cBus final : public hal::I2c {
  public:
    // False: the pins cannot be used.
    bool begin(int sda, int scl);

    bool answers(std::uint8_t address) override;
    bool write(std::uint8_t address, std::span<const std::uint8_t> bytes) override;

  private:
    i2c_master_bus_handle_t bus_ = nullptr;
    i2c_master_dev_handle_t device_ = nullptr;  // the display, added at its first write
    std::uint8_t address_ = 0;
};

}  // namespace stetho::esp
