// What our adapters use of ESP-IDF's esp_random.h: our own declarations, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

extern "C" std::uint32_t esp_random();
