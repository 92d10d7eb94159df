// Stub of driver/i2c_master.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <cstddef>
#include <cstdint>

#include <driver/gpio.h>
#include <esp_err.h>

struct i2c_master_bus_t;
struct i2c_master_dev_t;
using i2c_master_bus_handle_t = i2c_master_bus_t*;
using i2c_master_dev_handle_t = i2c_master_dev_t*;
using i2c_port_num_t = int;
enum i2c_clock_source_t { I2C_CLK_SRC_DEFAULT = 1 };
enum i2c_addr_bit_len_t { I2C_ADDR_BIT_LEN_7 };
struct i2c_master_bus_config_t {
    i2c_port_num_t i2c_port;
    gpio_num_t sda_io_num;
    gpio_num_t scl_io_num;
    i2c_clock_source_t clk_source;
    std::uint8_t glitch_ignore_cnt;
    int intr_priority;
    std::size_t trans_queue_depth;
    struct {
        std::uint32_t enable_internal_pullup : 1;
    } flags;
};
struct i2c_device_config_t {
    i2c_addr_bit_len_t dev_addr_length;
    std::uint16_t device_address;
    std::uint32_t scl_speed_hz;
};

extern "C" {
esp_err_t i2c_new_master_bus(const i2c_master_bus_config_t* config, i2c_master_bus_handle_t* bus);
esp_err_t i2c_master_bus_add_device(i2c_master_bus_handle_t bus, const i2c_device_config_t* config,
                                    i2c_master_dev_handle_t* device);
esp_err_t i2c_master_bus_reset(i2c_master_bus_handle_t bus);
esp_err_t i2c_master_probe(i2c_master_bus_handle_t bus, std::uint16_t address, int timeout_ms);
esp_err_t i2c_master_transmit(i2c_master_dev_handle_t device, const std::uint8_t* bytes, std::size_t length,
                              int timeout_ms);
}
