// Stub of esp_eth_phy.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <esp_eth_com.h>
#include <sdkconfig.h>

struct esp_eth_phy_s;
using esp_eth_phy_t = esp_eth_phy_s;
struct eth_phy_config_t {
    std::int32_t phy_addr;
    std::uint32_t reset_timeout_ms;
    std::uint32_t autonego_timeout_ms;
    int reset_gpio_num;
    std::int32_t hw_reset_assert_time_us;
    std::int32_t post_hw_reset_delay_ms;
};

#define ETH_PHY_DEFAULT_CONFIG()     \
    {                                \
        .phy_addr = -1,              \
        .reset_timeout_ms = 100,     \
        .autonego_timeout_ms = 4000, \
        .reset_gpio_num = 5,         \
        .hw_reset_assert_time_us = 0, \
        .post_hw_reset_delay_ms = 0, \
    }

extern "C" esp_eth_phy_t* esp_eth_phy_new_dp83848(const eth_phy_config_t* config);
// esp_eth_phy_new_generic is declared by the real header, but not linked: it is left out here.
