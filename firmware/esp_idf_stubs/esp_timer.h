// Stub of esp_timer.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

extern "C" std::int64_t esp_timer_get_time();
