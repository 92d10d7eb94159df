#include "esp/light_sleep.h"

#include "esp_log.h"
#include "esp_wifi.h"
#include "sdkconfig.h"
#if CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG_ENABLED
#include "driver/usb_serial_jtag.h"
#endif

namespace stetho::esp {
namespace {

constexpr const char* kTag = "sleep";
constexpr int kCrystalMhz = 40;  // of every ESP32-S3

bool is_usb_connected() {
#if CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG_ENABLED
    return usb_serial_jtag_is_connected();
#else
    return false;
#endif
}

}  // namespace

bool LightSleep::allow(bool may) {
    if (!has_begun_) {
        has_begun_ = true;
        is_ready_ = begin();
        if (!is_ready_) {
            ESP_LOGW(kTag, "the chip cannot sleep");
        }
    }
    const bool is_wanted = is_ready_ && may && !is_usb_connected();
    if (is_wanted != is_allowed_) {
        is_allowed_ = is_wanted;
        // Asleep the radio wakes for the beacons that announce something for us.
        esp_wifi_set_ps(is_allowed_ ? WIFI_PS_MIN_MODEM : WIFI_PS_NONE);
        is_allowed_ ? esp_pm_lock_release(in_use_) : esp_pm_lock_acquire(in_use_);
    }
    return is_allowed_;
}

bool LightSleep::begin() {
    esp_pm_config_t config{};
    config.max_freq_mhz = CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ;
    config.min_freq_mhz = kCrystalMhz;
    config.light_sleep_enable = true;
    return esp_pm_lock_create(ESP_PM_CPU_FREQ_MAX, 0, "in use", &in_use_) == ESP_OK &&
           esp_pm_lock_acquire(in_use_) == ESP_OK && esp_pm_configure(&config) == ESP_OK;
}

}  // namespace stetho::esp
