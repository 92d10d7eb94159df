// Stub of esp_eth.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <esp_eth_driver.h>
#include <esp_eth_netif_glue.h>
