// Stub of esp_eth_netif_glue.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <esp_eth_driver.h>

struct esp_eth_netif_glue_t;
using esp_eth_netif_glue_handle_t = esp_eth_netif_glue_t*;

extern "C" esp_eth_netif_glue_handle_t esp_eth_new_netif_glue(esp_eth_handle_t handle);
