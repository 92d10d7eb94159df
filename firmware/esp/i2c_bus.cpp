#include "esp/i2c_bus.h"

#include "driver/gpio.h"

namespace stetho::esp {
namespace {

constexpr std::uint32_t kClockHz = 400'000;
constexpr int kWithinMs = 50;

}  // namespace

bool I2cBus::begin(int sda, int scl) {
    i2c_master_bus_config_t config{};
    config.i2c_port = -1;  // any
    config.sda_io_num = static_cast<gpio_num_t>(sda);
    config.scl_io_num = static_cast<gpio_num_t>(scl);
    config.clk_source = I2C_CLK_SRC_DEFAULT;
    config.glitch_ignore_cnt = 7;
    config.flags.enable_internal_pullup = 1;  // most OLED modules have their own as well
    return i2c_new_master_bus(&config, &bus_) == ESP_OK;
}

bool I2cBus::answers(std::uint8_t address) {
    if (bus_ == nullptr) {
        return false;
    }
    const esp_err_t error = i2c_master_probe(bus_, address, kWithinMs);
    if (error == ESP_ERR_TIMEOUT) {
        i2c_master_bus_reset(bus_);  // a display that was unplugged in the middle of a byte may hold SDA low
    }
    return error == ESP_OK;
}

bool I2cBus::write(std::uint8_t address, std::span<const std::uint8_t> bytes) {
    if (bus_ == nullptr) {
        return false;
    }
    if (device_ == nullptr) {
        i2c_device_config_t config{};
        config.dev_addr_length = I2C_ADDR_BIT_LEN_7;
        config.device_address = address;
        config.scl_speed_hz = kClockHz;
        if (i2c_master_bus_add_device(bus_, &config, &device_) != ESP_OK) {
            device_ = nullptr;
            return false;
        }
        address_ = address;
    }
    return address == address_ &&
           i2c_master_transmit(device_, bytes.data(), bytes.size(), kWithinMs) == ESP_OK;
}

}  // namespace stetho::esp
