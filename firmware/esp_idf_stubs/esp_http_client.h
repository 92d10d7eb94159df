// Stub of esp_http_client.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <esp_err.h>

struct esp_http_client_config_t {
    const char* url;
    const char* cert_pem;
    int timeout_ms;
    bool keep_alive_enable;
};
