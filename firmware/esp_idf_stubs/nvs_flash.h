// What our adapters use of ESP-IDF's nvs_flash.h: our own declarations, for type checks without ESP-IDF.
#pragma once

#include "esp_err.h"

extern "C" {
esp_err_t nvs_flash_init();
esp_err_t nvs_flash_erase();
}
