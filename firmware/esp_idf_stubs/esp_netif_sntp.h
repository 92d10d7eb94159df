// Stub of esp_netif_sntp.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <cstddef>

#include <esp_netif.h>

struct timeval;

struct esp_sntp_config_t {
    bool smooth_sync;
    bool server_from_dhcp;
    bool wait_for_sync;
    bool start;
    void (*sync_cb)(timeval* time);
    bool renew_servers_after_new_IP;
    ip_event_t ip_event_to_renew;
    std::size_t index_of_first_server;
    std::size_t num_of_servers;
    const char* servers[2];
};

#define ESP_NETIF_SNTP_DEFAULT_CONFIG(server)                                             \
    {                                                                                     \
        false, false, true, true, nullptr, false, IP_EVENT_STA_GOT_IP, 0, 1, { server }   \
    }

extern "C" {
esp_err_t esp_netif_sntp_init(const esp_sntp_config_t* config);
esp_err_t esp_netif_sntp_start();
void esp_netif_sntp_deinit();
}
