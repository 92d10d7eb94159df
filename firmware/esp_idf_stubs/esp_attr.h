// Stub of esp_attr.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#define IRAM_ATTR __attribute__((section(".iram1")))
#define RTC_NOINIT_ATTR
