// Stub of driver/uart.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

#include <esp_err.h>
#include <freertos/FreeRTOS.h>
#include <freertos/queue.h>

enum uart_port_t { UART_NUM_0, UART_NUM_1, UART_NUM_2, UART_NUM_MAX };

extern "C" {
esp_err_t uart_driver_install(uart_port_t port, int receive_bytes, int send_bytes, int queue_length,
                              QueueHandle_t* queue, int interrupt_flags);
int uart_read_bytes(uart_port_t port, void* into, std::uint32_t length, TickType_t wait);
}
