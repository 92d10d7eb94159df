// Stub of esp_netif.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include "esp_event.h"

struct esp_netif_obj;
using esp_netif_t = esp_netif_obj;
struct esp_netif_config_t {
    const void* base;
    const void* driver;
    const void* stack;
};

#define ESP_NETIF_DEFAULT_ETH() {nullptr, nullptr, nullptr}

enum ip_event_t { IP_EVENT_STA_GOT_IP, IP_EVENT_STA_LOST_IP, IP_EVENT_ETH_GOT_IP = 4, IP_EVENT_ETH_LOST_IP };

extern "C" {
extern esp_event_base_t const IP_EVENT;
esp_err_t esp_netif_init();
esp_netif_t* esp_netif_new(const esp_netif_config_t* config);
esp_err_t esp_netif_attach(esp_netif_t* netif, void* driver);
}
