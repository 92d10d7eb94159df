// Stub of esp_eth_mac_openeth.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <esp_eth_com.h>
#include <esp_eth_mac.h>
#include <sdkconfig.h>

#if CONFIG_ETH_USE_OPENETH
extern "C" esp_eth_mac_t* esp_eth_mac_new_openeth(const eth_mac_config_t* config);
#endif
