// Stub of esp_err.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

using esp_err_t = int;

inline constexpr esp_err_t ESP_OK = 0;
inline constexpr esp_err_t ESP_FAIL = -1;
inline constexpr esp_err_t ESP_ERR_NO_MEM = 0x101;
inline constexpr esp_err_t ESP_ERR_INVALID_STATE = 0x103;
inline constexpr esp_err_t ESP_ERR_TIMEOUT = 0x107;
inline constexpr esp_err_t ESP_ERR_NVS_NO_FREE_PAGES = 0x110d;
inline constexpr esp_err_t ESP_ERR_NVS_NEW_VERSION_FOUND = 0x1110;

extern "C" const char* esp_err_to_name(esp_err_t code);
