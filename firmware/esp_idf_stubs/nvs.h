// Stub of nvs.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstddef>
#include <cstdint>

#include <esp_err.h>

using nvs_handle_t = std::uint32_t;
enum nvs_open_mode_t { NVS_READONLY, NVS_READWRITE };

extern "C" {
esp_err_t nvs_open(const char* name, nvs_open_mode_t mode, nvs_handle_t* handle);
esp_err_t nvs_get_blob(nvs_handle_t handle, const char* key, void* value, std::size_t* length);
esp_err_t nvs_set_blob(nvs_handle_t handle, const char* key, const void* value, std::size_t length);
esp_err_t nvs_erase_all(nvs_handle_t handle);
esp_err_t nvs_commit(nvs_handle_t handle);
void nvs_close(nvs_handle_t handle);
}
