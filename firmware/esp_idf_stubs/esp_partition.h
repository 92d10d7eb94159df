// Stub of esp_partition.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstddef>
#include <cstdint>

#include <esp_err.h>

struct esp_flash_t;
enum esp_partition_type_t { ESP_PARTITION_TYPE_APP = 0x00, ESP_PARTITION_TYPE_DATA = 0x01, ESP_PARTITION_TYPE_ANY = 0xff };
enum esp_partition_subtype_t {
    ESP_PARTITION_SUBTYPE_DATA_NVS = 0x02,
    ESP_PARTITION_SUBTYPE_DATA_COREDUMP = 0x03,
    ESP_PARTITION_SUBTYPE_ANY = 0xff,
};

struct esp_partition_t {
    esp_flash_t* flash_chip;
    esp_partition_type_t type;
    esp_partition_subtype_t subtype;
    std::uint32_t address;
    std::uint32_t size;
    std::uint32_t erase_size;
    char label[17];
    bool encrypted;
    bool readonly;
};

extern "C" {
const esp_partition_t* esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char* label);
esp_err_t esp_partition_read(const esp_partition_t* partition, std::size_t src_offset, void* dst, std::size_t size);
esp_err_t esp_partition_write(const esp_partition_t* partition, std::size_t dst_offset, const void* src,
                              std::size_t size);
esp_err_t esp_partition_erase_range(const esp_partition_t* partition, std::size_t offset, std::size_t size);
}
