// Stub of driver/usb_serial_jtag.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <cstdint>

#include <esp_err.h>
#include <freertos/FreeRTOS.h>

struct usb_serial_jtag_driver_config_t {
    std::uint32_t tx_buffer_size;
    std::uint32_t rx_buffer_size;
};

extern "C" {
bool usb_serial_jtag_is_connected();
esp_err_t usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t* config);
int usb_serial_jtag_read_bytes(void* into, std::uint32_t length, TickType_t wait);
}
