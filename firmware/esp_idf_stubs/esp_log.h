// Stub of esp_log.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdarg>
#include <cstdio>

using vprintf_like_t = int (*)(const char* format, std::va_list arguments);
extern "C" vprintf_like_t esp_log_set_vprintf(vprintf_like_t function);

#define ESP_LOGE(tag, ...) (std::printf("%s: ", tag), std::printf(__VA_ARGS__), std::putchar('\n'))
#define ESP_LOGW(tag, ...) ESP_LOGE(tag, __VA_ARGS__)
#define ESP_LOGI(tag, ...) ESP_LOGE(tag, __VA_ARGS__)
