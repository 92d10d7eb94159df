// Stub of esp_system.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

#include <esp_err.h>

enum esp_reset_reason_t {
    ESP_RST_UNKNOWN,
    ESP_RST_POWERON,
    ESP_RST_EXT,
    ESP_RST_SW,
    ESP_RST_PANIC,
    ESP_RST_INT_WDT,
    ESP_RST_TASK_WDT,
    ESP_RST_WDT,
    ESP_RST_DEEPSLEEP,
    ESP_RST_BROWNOUT,
};

extern "C" {
std::uint32_t esp_get_free_heap_size();
esp_reset_reason_t esp_reset_reason();
[[noreturn]] void esp_restart();
}
