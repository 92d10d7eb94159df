// Stub of driver/uart.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF. From
// 6.0 on headers of drivers include nothing of FreeRTOS.
#pragma once

#include <cstdint>

#include <esp_err.h>

enum uart_port_t { UART_NUM_0, UART_NUM_1, UART_NUM_2, UART_NUM_MAX };

extern "C" {
esp_err_t uart_driver_install(uart_port_t port, int receive_bytes, int send_bytes, int queue_length, void* queue,
                              int interrupt_flags);
int uart_read_bytes(uart_port_t port, void* into, std::uint32_t length, std::uint32_t wait);
}
