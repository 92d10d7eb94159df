#include "esp/chip.h"

#include <array>

#include "esp/error_log.h"
#include "esp/stack_watch.h"
#include "esp_mac.h"
#include "esp_random.h"
#include "esp_system.h"

namespace stetho::esp {

std::uint32_t Chip::free_heap_bytes() { return esp_get_free_heap_size(); }

std::size_t Chip::stacks_left(std::span<hal::StackLeft> out) { return esp::stacks_left(out); }

std::size_t Chip::last_error(std::span<char> out) { return esp::last_error(out); }

std::string_view Chip::reset_reason() {
    switch (esp_reset_reason()) {
        case ESP_RST_POWERON:
            return "power-on";
        case ESP_RST_EXT:
            return "pin";
        case ESP_RST_SW:
            return "software";
        case ESP_RST_PANIC:
            return "panic";
        case ESP_RST_INT_WDT:
        case ESP_RST_TASK_WDT:
        case ESP_RST_WDT:
            return "watchdog";
        case ESP_RST_DEEPSLEEP:
            return "sleep";
        case ESP_RST_BROWNOUT:
            return "brownout";
        default:
            return "unknown";
    }
}

std::string_view Chip::board_id() {
    std::array<std::uint8_t, 6> address{};
    if (board_id_.empty() && esp_efuse_mac_get_default(address.data()) == ESP_OK) {
        for (const std::uint8_t byte : address) {
            board_id_.append(board_id_.empty() ? "" : ":").append_hex(byte, 2);
        }
    }
    return board_id_;
}

void Chip::restart() { esp_restart(); }

std::uint32_t Chip::next() { return esp_random(); }

}  // namespace stetho::esp
