#include "esp/chip.h"

#include "esp_random.h"
#include "esp_system.h"

namespace stetho::esp {

std::uint32_t Chip::free_heap_bytes() { return esp_get_free_heap_size(); }

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

void Chip::restart() { esp_restart(); }

std::uint32_t Chip::next() { return esp_random(); }

}  // namespace stetho::esp
