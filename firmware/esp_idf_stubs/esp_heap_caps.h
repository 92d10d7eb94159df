// Stub of esp_heap_caps.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <cstddef>
#include <cstdint>

inline constexpr std::uint32_t MALLOC_CAP_8BIT = 1U << 2U;
inline constexpr std::uint32_t MALLOC_CAP_SPIRAM = 1U << 10U;
inline constexpr std::uint32_t MALLOC_CAP_INTERNAL = 1U << 11U;

extern "C" {
void* heap_caps_malloc(std::size_t size, std::uint32_t caps);
std::size_t heap_caps_get_total_size(std::uint32_t caps);
std::size_t heap_caps_get_largest_free_block(std::uint32_t caps);
}
