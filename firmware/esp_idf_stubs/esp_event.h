// Stub of esp_event.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <esp_err.h>
#include <esp_event_base.h>

extern "C" {
esp_err_t esp_event_loop_create_default();
esp_err_t esp_event_handler_register(esp_event_base_t base, std::int32_t id, esp_event_handler_t handler,
                                     void* argument);
}
