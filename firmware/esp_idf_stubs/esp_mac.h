// Stub of esp_mac.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

#include <esp_err.h>

extern "C" esp_err_t esp_efuse_mac_get_default(std::uint8_t* address);
