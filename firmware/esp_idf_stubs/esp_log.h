// Stub of esp_log.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdio>

#define ESP_LOGE(tag, ...) (std::printf("%s: ", tag), std::printf(__VA_ARGS__), std::putchar('\n'))
#define ESP_LOGW(tag, ...) ESP_LOGE(tag, __VA_ARGS__)
#define ESP_LOGI(tag, ...) ESP_LOGE(tag, __VA_ARGS__)
