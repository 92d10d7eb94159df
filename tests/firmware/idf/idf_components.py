"""Components of ESP-IDF that our sources include, and which header is whose.

Stated from the trees of 5.3, 5.5 and 6.0, in which each header is in the same component.
"""

from typing import Final

COMPONENTS: Final = {
    "app_update": ("esp_ota_ops.h",),
    "esp_adc": ("esp_adc/adc_cali.h", "esp_adc/adc_cali_scheme.h", "esp_adc/adc_oneshot.h"),
    "esp_app_format": ("esp_app_desc.h",),
    "esp_common": ("esp_attr.h", "esp_err.h", "esp_idf_version.h"),
    "esp_driver_gpio": ("driver/gpio.h",),
    "esp_driver_i2c": ("driver/i2c_master.h",),
    "esp_driver_i2s": ("driver/i2s_std.h",),
    "esp_driver_uart": ("driver/uart.h",),
    "esp_driver_usb_serial_jtag": ("driver/usb_serial_jtag.h",),
    "esp_eth": (
        "esp_eth.h",
        "esp_eth_com.h",
        "esp_eth_driver.h",
        "esp_eth_mac.h",
        "esp_eth_mac_openeth.h",
        "esp_eth_netif_glue.h",
        "esp_eth_phy.h",
    ),
    "esp_event": ("esp_event.h", "esp_event_base.h"),
    "esp_http_client": ("esp_http_client.h",),
    "esp_http_server": ("esp_http_server.h",),
    "esp_https_ota": ("esp_https_ota.h",),
    "esp_hw_support": ("esp_mac.h", "esp_random.h"),
    "esp_netif": ("esp_netif.h", "esp_netif_sntp.h", "esp_netif_types.h"),
    "esp_partition": ("esp_partition.h",),
    "esp_pm": ("esp_pm.h",),
    "esp_system": ("esp_system.h", "esp_task_wdt.h"),
    "esp_timer": ("esp_timer.h",),
    "esp_wifi": ("esp_wifi.h",),
    "espcoredump": ("esp_core_dump.h",),
    "freertos": ("freertos/FreeRTOS.h", "freertos/queue.h", "freertos/semphr.h", "freertos/task.h"),
    "heap": ("esp_heap_caps.h",),
    "log": ("esp_log.h",),
    "lwip": ("lwip/sockets.h",),
    "mbedtls": ("mbedtls/x509.h",),
    "mqtt": ("mqtt_client.h",),
    "nvs_flash": ("nvs.h", "nvs_flash.h"),
}
"""For each component the headers that ours include, and those that our stubs have."""
GENERATED: Final = {"sdkconfig.h"}
"""Written by the build itself."""
MOVED_OUT: Final = {"mqtt": ("6.0", "espressif/mqtt")}
"""Components that are no part of ESP-IDF from a version on: the version, and what the registry calls them."""
