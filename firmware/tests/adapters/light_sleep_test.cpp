// Light sleep of the chip with a fake of ESP-IDF's power management.
#include <doctest/doctest.h>

#include "driver/usb_serial_jtag.h"
#include "esp/light_sleep.h"
#include "esp_wifi.h"

using namespace stetho;

extern wifi_ps_type_t power_saving;

namespace {

// Power management as the adapter set it up.
struct Power {
    esp_pm_config_t config{};
    int held = 0;  // locks that keep the chip awake
    bool has_tickless_idle = true;
    bool is_usb_connected = false;
};
Power power;

}  // namespace

extern "C" {
esp_err_t esp_pm_configure(const void* config) {
    power.config = *static_cast<const esp_pm_config_t*>(config);
    return power.has_tickless_idle ? ESP_OK : ESP_FAIL;
}
esp_err_t esp_pm_lock_create(esp_pm_lock_type_t, int, const char*, esp_pm_lock_handle_t*) { return ESP_OK; }
esp_err_t esp_pm_lock_acquire(esp_pm_lock_handle_t) {
    ++power.held;
    return ESP_OK;
}
esp_err_t esp_pm_lock_release(esp_pm_lock_handle_t) {
    --power.held;
    return ESP_OK;
}
bool usb_serial_jtag_is_connected() { return power.is_usb_connected; }
}

TEST_CASE("the chip may sleep when the device says so, and the radio then wakes for beacons") {
    power = {};
    esp::LightSleep sleep;
    CHECK_FALSE(sleep.allow(false));
    CHECK(power.config.light_sleep_enable);
    CHECK(power.config.max_freq_mhz == 240);
    CHECK(power.held == 1);
    for (int turn = 0; turn < 3; ++turn) CHECK(sleep.allow(true));
    CHECK(power.held == 0);
    CHECK(power_saving == WIFI_PS_MIN_MODEM);
    for (int turn = 0; turn < 3; ++turn) CHECK_FALSE(sleep.allow(false));
    CHECK(power.held == 1);
    CHECK(power_saving == WIFI_PS_NONE);
}

TEST_CASE("a computer at the chip's USB keeps it awake, also one that comes while it sleeps") {
    power = {};
    power.is_usb_connected = true;
    esp::LightSleep sleep;
    CHECK_FALSE(sleep.allow(true));
    CHECK(power.held == 1);
    power.is_usb_connected = false;
    CHECK(sleep.allow(true));
    power.is_usb_connected = true;
    CHECK_FALSE(sleep.allow(true));
    CHECK(power.held == 1);
}

TEST_CASE("a chip that cannot sleep stays awake") {
    power = {};
    power.has_tickless_idle = false;
    esp::LightSleep sleep;
    CHECK_FALSE(sleep.allow(true));
    CHECK_FALSE(sleep.allow(true));
    CHECK(power.held == 1);
}
