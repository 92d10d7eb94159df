// What our adapters use of ESP-IDF's esp_timer.h: our own declarations, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

extern "C" std::int64_t esp_timer_get_time();
