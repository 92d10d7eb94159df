// Stub of esp_event_base.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

#define ESP_EVENT_DECLARE_BASE(id) extern "C" esp_event_base_t const id
#define ESP_EVENT_ANY_ID -1

using esp_event_base_t = const char*;
using esp_event_handler_t = void (*)(void* argument, esp_event_base_t base, std::int32_t id, void* data);
