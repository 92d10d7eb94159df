#include "main/board.h"

#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"

namespace stetho::board {
namespace {

constexpr const char* kTag = "board";

bool log_failure(bool is_done, const char* what) {
    if (!is_done) {
        ESP_LOGE(kTag, "%s cannot be started", what);
    }
    return is_done;
}

}  // namespace

bool Board::begin() {
    const bool has_system = log_failure(events.begin(), "the queue of events") &&
                            log_failure(esp_netif_init() == ESP_OK, "the network") &&
                            log_failure(esp_event_loop_create_default() == ESP_OK, "the event loop");
    if (!has_system) {
        return false;
    }
    clock.begin(events, CONFIG_STETHO_SNTP_SERVER);
    core_dump.begin();
    // Without these the device is still worth starting: its display says what does not work.
    log_failure(storage.begin(), "the storage of settings");
    log_failure(mqtt.begin(), "the MQTT client");
    log_failure(flash.begin(), "the flash for recordings");
    log_failure(serial.begin(), "the serial console");
    log_failure(network.begin(), "the network interface");
#if !CONFIG_STETHO_SIM
#if CONFIG_STETHO_BATTERY
    log_failure(battery.begin(), "the measurement of the battery");
#endif
    log_failure(button.begin(), "the button");
    log_failure(i2c.begin(CONFIG_STETHO_PIN_I2C_SDA, CONFIG_STETHO_PIN_I2C_SCL), "the bus of the display");
#endif
    return true;
}

bool Board::is_button_down() {
#if CONFIG_STETHO_SIM
    return serial.is_down();
#else
    return button.is_down() || serial.is_down();
#endif
}

}  // namespace stetho::board
