#include "esp/serial_input.h"

#include "freertos/FreeRTOS.h"
#include "sdkconfig.h"
// The console's own ports only. An emulated chip has no USB.
#define HAS_UART (CONFIG_ESP_CONSOLE_UART_NUM >= 0)
#define HAS_USB (CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG_ENABLED && !CONFIG_STETHO_SIM)
#if HAS_UART
#include "driver/uart.h"
#endif
#if HAS_USB
#include "driver/usb_serial_jtag.h"
#endif

namespace stetho::esp {
namespace {

#if HAS_UART
constexpr auto kUart = static_cast<uart_port_t>(CONFIG_ESP_CONSOLE_UART_NUM);
constexpr int kUartBytes = 4096;  // 0.35 s at 115,200 baud: how long the task may be delayed
#endif
#if HAS_USB
constexpr std::uint32_t kUsbBytes = 1024;  // the host waits while it is full
#endif

}  // namespace

bool SerialInput::begin() {
#if HAS_UART
    if (uart_driver_install(kUart, kUartBytes, 0, 0, nullptr, 0) == ESP_OK) {
        ports_[count_++] = Port::kUart;
    }
#endif
#if HAS_USB
    usb_serial_jtag_driver_config_t config{};
    config.tx_buffer_size = 256;  // unused: the console writes by itself
    config.rx_buffer_size = kUsbBytes;
    if (usb_serial_jtag_driver_install(&config) == ESP_OK) {
        ports_[count_++] = Port::kUsb;
    }
#endif
    return count_ > 0;
}

std::size_t SerialInput::read(std::size_t port, std::span<char> into, std::uint32_t within_ms) {
    [[maybe_unused]] const auto wanted = static_cast<std::uint32_t>(into.size());
    [[maybe_unused]] const TickType_t wait = pdMS_TO_TICKS(within_ms);
    int count = 0;
#if HAS_UART
    if (ports_[port] == Port::kUart) {
        count = uart_read_bytes(kUart, into.data(), wanted, wait);
    }
#endif
#if HAS_USB
    if (ports_[port] == Port::kUsb) {
        count = usb_serial_jtag_read_bytes(into.data(), wanted, wait);
    }
#endif
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace stetho::esp
