// Stub of esp_netif_types.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <cstdint>

#include <esp_err.h>
#include <esp_event_base.h>

struct esp_netif_obj;
using esp_netif_t = esp_netif_obj;
using esp_netif_iodriver_handle = void*;

struct esp_netif_inherent_config;
struct esp_netif_driver_ifconfig;
struct esp_netif_netstack_config;
struct esp_netif_config_t {
    const esp_netif_inherent_config* base;
    const esp_netif_driver_ifconfig* driver;
    const esp_netif_netstack_config* stack;
};

enum ip_event_t {
    IP_EVENT_STA_GOT_IP,
    IP_EVENT_STA_LOST_IP,
    IP_EVENT_AP_STAIPASSIGNED,
    IP_EVENT_GOT_IP6,
    IP_EVENT_ETH_GOT_IP,
    IP_EVENT_ETH_LOST_IP,
};

enum esp_netif_dhcp_option_mode_t { ESP_NETIF_OP_START, ESP_NETIF_OP_SET, ESP_NETIF_OP_GET };
enum esp_netif_dhcp_option_id_t {
    ESP_NETIF_SUBNET_MASK = 1,
    ESP_NETIF_DOMAIN_NAME_SERVER = 6,
    ESP_NETIF_IP_ADDRESS_LEASE_TIME = 51,
    ESP_NETIF_CAPTIVEPORTAL_URI = 114,  // from 5.4 on
};

ESP_EVENT_DECLARE_BASE(IP_EVENT);
