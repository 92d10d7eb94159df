// Stub of esp_app_desc.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

struct esp_app_desc_t {
    char version[32];
    char project_name[32];
};

extern "C" const esp_app_desc_t* esp_app_get_description();
