// Stub of nvs_flash.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <esp_err.h>

extern "C" {
esp_err_t nvs_flash_init();
esp_err_t nvs_flash_erase();
}
