// Stub of freertos/queue.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <freertos/FreeRTOS.h>

struct QueueDefinition;
using QueueHandle_t = QueueDefinition*;

extern "C" {
QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t item_bytes);
UBaseType_t uxQueueSpacesAvailable(QueueHandle_t queue);
BaseType_t xQueueSend(QueueHandle_t queue, const void* item, TickType_t ticks);
BaseType_t xQueueReceive(QueueHandle_t queue, void* item, TickType_t ticks);
}
