// Stub of esp_wifi.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <cstdint>

#include <esp_netif.h>

struct wifi_init_config_t {
    int magic;
};
#define WIFI_INIT_CONFIG_DEFAULT() {0}

enum wifi_mode_t { WIFI_MODE_NULL, WIFI_MODE_STA, WIFI_MODE_AP, WIFI_MODE_APSTA };
enum wifi_interface_t { WIFI_IF_STA, WIFI_IF_AP };
enum wifi_auth_mode_t { WIFI_AUTH_OPEN, WIFI_AUTH_WPA2_PSK = 3 };
enum wifi_ps_type_t { WIFI_PS_NONE, WIFI_PS_MIN_MODEM, WIFI_PS_MAX_MODEM };
enum wifi_storage_t { WIFI_STORAGE_FLASH, WIFI_STORAGE_RAM };
enum wifi_event_t {
    WIFI_EVENT_SCAN_DONE = 1,
    WIFI_EVENT_STA_START = 2,
    WIFI_EVENT_STA_CONNECTED = 4,
    WIFI_EVENT_STA_DISCONNECTED = 5,
};

struct wifi_scan_threshold_t {
    std::int8_t rssi;
    wifi_auth_mode_t authmode;
};
enum wifi_scan_method_t { WIFI_FAST_SCAN, WIFI_ALL_CHANNEL_SCAN };
enum wifi_sort_method_t { WIFI_CONNECT_AP_BY_SIGNAL, WIFI_CONNECT_AP_BY_SECURITY };
enum wifi_sae_pwe_method_t {
    WPA3_SAE_PWE_UNSPECIFIED,
    WPA3_SAE_PWE_HUNT_AND_PECK,
    WPA3_SAE_PWE_HASH_TO_ELEMENT,
    WPA3_SAE_PWE_BOTH,
};
struct wifi_sta_config_t {
    std::uint8_t ssid[32];
    std::uint8_t password[64];
    wifi_scan_method_t scan_method;
    wifi_sort_method_t sort_method;
    wifi_scan_threshold_t threshold;
    wifi_sae_pwe_method_t sae_pwe_h2e;
};
struct wifi_ap_config_t {
    std::uint8_t ssid[32];
    std::uint8_t password[64];
    std::uint8_t ssid_len;
    std::uint8_t channel;
    wifi_auth_mode_t authmode;
    std::uint8_t max_connection;
};
union wifi_config_t {
    wifi_ap_config_t ap;
    wifi_sta_config_t sta;
};
struct wifi_ap_record_t {
    std::uint8_t ssid[33];
    std::int8_t rssi;
    wifi_auth_mode_t authmode;
};
struct wifi_scan_config_t;

ESP_EVENT_DECLARE_BASE(WIFI_EVENT);

extern "C" {
esp_netif_t* esp_netif_create_default_wifi_sta();
esp_netif_t* esp_netif_create_default_wifi_ap();
esp_err_t esp_wifi_init(const wifi_init_config_t* config);
esp_err_t esp_wifi_set_storage(wifi_storage_t storage);
esp_err_t esp_wifi_set_mode(wifi_mode_t mode);
esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t* config);
esp_err_t esp_wifi_set_ps(wifi_ps_type_t type);
esp_err_t esp_wifi_start();
esp_err_t esp_wifi_stop();
esp_err_t esp_wifi_connect();
esp_err_t esp_wifi_scan_start(const wifi_scan_config_t* config, bool block);
esp_err_t esp_wifi_scan_get_ap_records(std::uint16_t* number, wifi_ap_record_t* records);
esp_err_t esp_wifi_disconnect();
esp_err_t esp_wifi_sta_get_ap_info(wifi_ap_record_t* record);
}
