// The serial console with a fake of the drivers: a line that is pasted at full speed, on the UART and on the chip's USB.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "driver/uart.h"
#include "driver/usb_serial_jtag.h"
#include "esp/serial_console.h"
#include "esp_task_wdt.h"

using namespace stetho;

namespace {

constexpr int kBytesPerSecond = 11'520;  // at 115,200 baud

struct Port {
    std::mutex mutex;
    std::deque<char> typed;
    int ring_bytes = 0;

    void type(std::string_view bytes) {
        const std::lock_guard lock(mutex);
        typed.insert(typed.end(), bytes.begin(), bytes.end());
    }

    int read(void* into, std::uint32_t length) {
        {
            const std::lock_guard lock(mutex);
            const std::size_t count = std::min<std::size_t>(length, typed.size());
            std::copy_n(typed.begin(), count, static_cast<char*>(into));
            typed.erase(typed.begin(), typed.begin() + static_cast<std::ptrdiff_t>(count));
            if (count > 0) return static_cast<int>(count);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return 0;
    }
};
// The task goes on when the tests end: nothing that it uses is destroyed.
Port& uart = *new Port;
Port& usb = *new Port;

struct Board {
    esp::EventQueue events;
    esp::CoreDump core_dump;
    esp::SerialConsole console{events, core_dump};

    Board() {
        REQUIRE(events.begin());
        REQUIRE(console.begin());
    }
};

Board& board() {
    static auto* const one = new Board;
    return *one;
}

// Returns the form that the next event has; "" if it is another, or none comes.
std::string form() {
    const auto event = board().events.take(30'000);
    if (!event || event->kind != EventKind::kProvisioned) return "";
    return {event->payload.begin(), event->payload.end()};
}

}  // namespace

extern "C" {
esp_err_t uart_driver_install(uart_port_t, int receive_bytes, int, int, QueueHandle_t*, int) {
    uart.ring_bytes = receive_bytes;
    return ESP_OK;
}
int uart_read_bytes(uart_port_t, void* into, std::uint32_t length, TickType_t) { return uart.read(into, length); }
esp_err_t usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t* config) {
    usb.ring_bytes = static_cast<int>(config->rx_buffer_size);
    return ESP_OK;
}
int usb_serial_jtag_read_bytes(void* into, std::uint32_t length, TickType_t) { return usb.read(into, length); }
esp_err_t esp_task_wdt_add(TaskHandle_t) { return ESP_OK; }
esp_err_t esp_task_wdt_reset() { return ESP_OK; }
esp_err_t esp_task_wdt_delete(TaskHandle_t) { return ESP_OK; }
}

void esp::CoreDump::print() const {}

TEST_CASE("a pasted line is taken whole, on the UART and on USB; one that is too long not at all") {
    board();
    CHECK(uart.ring_bytes >= kBytesPerSecond / 4);  // while a command runs
    CHECK(usb.ring_bytes > 0);
    const std::string longest(kMaxLineBytes - 4, 'x');
    for (Port* const port : {&uart, &usb}) {
        port->type("set host=192.168.1.20&ca=" + std::string(4'000, 'y') + "\r\n");
        CHECK(form() == "host=192.168.1.20&ca=" + std::string(4'000, 'y'));
        port->type("set " + longest + "y\nset " + longest + "\n");
        CHECK(form() == longest);
    }
}

TEST_CASE("a typed press is one of the button") {
    CHECK_FALSE(board().console.is_down());
    uart.type("press\n");
    for (int turn = 0; turn < 30'000 && !board().console.is_down(); ++turn)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(board().console.is_down());
    for (int turn = 0; turn < 30'000 && board().console.is_down(); ++turn)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK_FALSE(board().console.is_down());
}
