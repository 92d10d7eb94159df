// Stub of esp_eth_driver.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <esp_eth_com.h>
#include <esp_eth_mac.h>
#include <esp_eth_phy.h>

using esp_eth_handle_t = void*;
struct esp_eth_config_t {
    esp_eth_mac_t* mac;
    esp_eth_phy_t* phy;
    std::uint32_t check_link_period_ms;
};

#define ETH_DEFAULT_CONFIG(emac, ephy) \
    {                                  \
        .mac = emac,                   \
        .phy = ephy,                   \
        .check_link_period_ms = 2000,  \
    }

extern "C" {
esp_err_t esp_eth_driver_install(const esp_eth_config_t* config, esp_eth_handle_t* handle);
esp_err_t esp_eth_start(esp_eth_handle_t handle);
esp_err_t esp_eth_stop(esp_eth_handle_t handle);
}
