// What our adapters use of ESP-IDF's esp_app_desc.h: our own declarations, for type checks without ESP-IDF.
#pragma once

struct esp_app_desc_t {
    char version[32];
};

extern "C" const esp_app_desc_t* esp_app_get_description();
