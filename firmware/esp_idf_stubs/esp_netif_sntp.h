// Stub of esp_netif_sntp.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <esp_netif.h>

struct timeval;

struct esp_sntp_config_t {
    bool smooth_sync;
    bool server_from_dhcp;
    bool wait_for_sync;
    bool start;
    void (*sync_cb)(timeval* time);
    const char* servers[1];
};

#define ESP_NETIF_SNTP_DEFAULT_CONFIG(server)         \
    {                                                 \
        false, false, true, true, nullptr, { server } \
    }

extern "C" {
esp_err_t esp_netif_sntp_init(const esp_sntp_config_t* config);
void esp_netif_sntp_deinit();
}
