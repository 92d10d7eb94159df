// Stub of esp_core_dump.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstddef>
#include <cstdint>

#include <esp_err.h>
#include <sdkconfig.h>

// As it is for Xtensa.
struct esp_core_dump_bt_info_t {
    std::uint32_t bt[16];
    std::uint32_t depth;
    bool corrupted;
};

#if CONFIG_ESP_COREDUMP_ENABLE_TO_FLASH
struct esp_core_dump_summary_t {
    std::uint32_t exc_tcb;
    char exc_task[16];
    std::uint32_t exc_pc;
    esp_core_dump_bt_info_t exc_bt_info;
    std::uint32_t core_dump_version;
};
#endif

extern "C" {
esp_err_t esp_core_dump_image_check();
#if CONFIG_ESP_COREDUMP_ENABLE_TO_FLASH
esp_err_t esp_core_dump_get_panic_reason(char* reason, std::size_t size);
esp_err_t esp_core_dump_get_summary(esp_core_dump_summary_t* summary);
#endif
}
