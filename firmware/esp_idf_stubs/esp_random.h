// Stub of esp_random.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

extern "C" std::uint32_t esp_random();
