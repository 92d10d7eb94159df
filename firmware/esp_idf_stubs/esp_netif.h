// Stub of esp_netif.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

#include <esp_netif_types.h>
#include <sdkconfig.h>

#define ESP_NETIF_DEFAULT_ETH() \
    {                           \
        .base = nullptr,        \
        .driver = nullptr,      \
        .stack = nullptr,       \
    }

extern "C" {
esp_err_t esp_netif_init();
esp_netif_t* esp_netif_new(const esp_netif_config_t* config);
esp_err_t esp_netif_dhcps_option(esp_netif_t* netif, esp_netif_dhcp_option_mode_t mode,
                                 esp_netif_dhcp_option_id_t option, void* value, std::uint32_t bytes);
esp_err_t esp_netif_attach(esp_netif_t* netif, esp_netif_iodriver_handle driver);
}
