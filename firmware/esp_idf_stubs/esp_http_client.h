// What our adapters use of ESP-IDF's esp_http_client.h: our own declarations, for type checks without
// ESP-IDF.
#pragma once

#include "esp_err.h"

struct esp_http_client_config_t {
    const char* url;
    const char* cert_pem;
    int timeout_ms;
    bool keep_alive_enable;
};
