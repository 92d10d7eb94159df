// Stub of freertos/semphr.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <freertos/queue.h>

using SemaphoreHandle_t = QueueHandle_t;

extern "C" {
SemaphoreHandle_t xSemaphoreCreateMutex();
BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore);
}
