// Stub of freertos/FreeRTOS.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <cstdint>

using BaseType_t = int;
using UBaseType_t = unsigned;
using TickType_t = std::uint32_t;
inline constexpr BaseType_t pdTRUE = 1;
inline constexpr BaseType_t pdFALSE = 0;
inline constexpr BaseType_t pdPASS = 1;
inline constexpr TickType_t portMAX_DELAY = 0xffffffffU;

#define pdMS_TO_TICKS(ms) (static_cast<TickType_t>(ms) / 10U)
#define configSTACK_DEPTH_TYPE std::uint32_t
