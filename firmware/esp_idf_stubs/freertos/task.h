// Stub of freertos/task.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <freertos/FreeRTOS.h>

struct tskTaskControlBlock;
using TaskHandle_t = tskTaskControlBlock*;
using TaskFunction_t = void (*)(void* argument);

extern "C" {
BaseType_t xTaskCreatePinnedToCore(TaskFunction_t function, const char* name, std::uint32_t stack_bytes,
                                   void* argument, UBaseType_t priority, TaskHandle_t* task, BaseType_t core);
void vTaskDelay(TickType_t ticks);
TickType_t xTaskGetTickCount();
UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task);  // of the caller: nullptr; in bytes
void vTaskDelete(TaskHandle_t task);
}
