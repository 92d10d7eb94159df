// Stub of esp_http_client.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <esp_err.h>

struct esp_http_client;
using esp_http_client_handle_t = esp_http_client*;
enum esp_http_client_transport_t {
    HTTP_TRANSPORT_UNKNOWN,
    HTTP_TRANSPORT_OVER_TCP,
    HTTP_TRANSPORT_OVER_SSL,
};
struct esp_http_client_config_t {
    const char* url;
    const char* cert_pem;
    int timeout_ms;
    bool keep_alive_enable;
};

extern "C" esp_http_client_transport_t esp_http_client_get_transport_type(esp_http_client_handle_t client);
