// Stub of esp_eth_mac.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <esp_eth_com.h>
#include <sdkconfig.h>

struct esp_eth_mac_s;
using esp_eth_mac_t = esp_eth_mac_s;
struct eth_mac_config_t {
    std::uint32_t sw_reset_timeout_ms;
    std::uint32_t rx_task_stack_size;
    std::uint32_t rx_task_prio;
    std::uint32_t flags;
};

#define ETH_MAC_DEFAULT_CONFIG()     \
    {                                \
        .sw_reset_timeout_ms = 100,  \
        .rx_task_stack_size = 4096,  \
        .rx_task_prio = 15,          \
        .flags = 0,                  \
    }
