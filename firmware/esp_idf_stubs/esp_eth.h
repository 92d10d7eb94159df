// Stub of esp_eth.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include "esp_event.h"
#include "sdkconfig.h"

using esp_eth_handle_t = void*;
struct esp_eth_mac_t;
struct esp_eth_phy_t;
struct esp_eth_netif_glue_t;
struct eth_mac_config_t {
    int options;
};
struct eth_phy_config_t {
    int phy_addr;
    int autonego_timeout_ms;
    int reset_gpio_num;
};
struct esp_eth_config_t {
    esp_eth_mac_t* mac;
    esp_eth_phy_t* phy;
};
#define ETH_MAC_DEFAULT_CONFIG() {0}
#define ETH_PHY_DEFAULT_CONFIG() {-1, 4000, 5}
#define ETH_DEFAULT_CONFIG(emac, ephy) {emac, ephy}

enum eth_event_t {
    ETHERNET_EVENT_START,
    ETHERNET_EVENT_STOP,
    ETHERNET_EVENT_CONNECTED,
    ETHERNET_EVENT_DISCONNECTED
};

extern "C" {
extern esp_event_base_t const ETH_EVENT;
esp_eth_mac_t* esp_eth_mac_new_openeth(const eth_mac_config_t* config);
esp_eth_phy_t* esp_eth_phy_new_generic(const eth_phy_config_t* config);
esp_eth_phy_t* esp_eth_phy_new_dp83848(const eth_phy_config_t* config);
esp_err_t esp_eth_driver_install(const esp_eth_config_t* config, esp_eth_handle_t* handle);
esp_eth_netif_glue_t* esp_eth_new_netif_glue(esp_eth_handle_t handle);
esp_err_t esp_eth_start(esp_eth_handle_t handle);
esp_err_t esp_eth_stop(esp_eth_handle_t handle);
}
