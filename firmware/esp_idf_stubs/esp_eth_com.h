// Stub of esp_eth_com.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

#include <esp_err.h>
#include <esp_event_base.h>

enum eth_event_t {
    ETHERNET_EVENT_START,
    ETHERNET_EVENT_STOP,
    ETHERNET_EVENT_CONNECTED,
    ETHERNET_EVENT_DISCONNECTED,
};

ESP_EVENT_DECLARE_BASE(ETH_EVENT);
