// Parts of the board, chosen at build time: real ones, or those of the simulation (CONFIG_STETHO_SIM).
#pragma once

#include "esp/chip.h"
#include "esp/core_dump.h"
#include "esp/esp_mqtt_client.h"
#include "esp/event_queue.h"
#include "esp/https_ota.h"
#include "esp/multicast_socket.h"
#include "esp/nvs_storage.h"
#include "esp/partition_flash.h"
#include "esp/serial_console.h"
#include "esp/system_clock.h"
#include "esp/uart_display.h"
#include "hal/audio.h"
#include "hal/battery.h"
#include "hal/button.h"
#include "hal/network.h"
#include "sdkconfig.h"

#if CONFIG_STETHO_SIM
#include "esp/openeth.h"
#include "esp/synthetic_audio.h"
#else
#include "core/display/sh1106.h"
#include "esp/adc_battery.h"
#include "esp/gpio_button.h"
#include "esp/i2c_bus.h"
#include "esp/i2s_audio.h"
#include "esp/wifi.h"
#endif

namespace stetho::board {

struct Board {
    explicit Board(std::uint32_t outbox_bytes) : mqtt(events, multicast, chip, outbox_bytes), ota(events), serial(events, core_dump) {}

    // Starts the parts that the device needs. False: the chip cannot be used; the console says why.
    bool begin();

    // Returns whether the button is down, pressed by hand or by a line on the console.
    bool is_button_down();

    esp::EventQueue events;
    esp::NvsStorage storage;
    esp::PartitionFlash flash;
    esp::SystemClock clock;
    esp::CoreDump core_dump;
    esp::Chip chip{core_dump};
    esp::MulticastSocket multicast;
    esp::EspMqttClient mqtt;
    esp::HttpsOta ota;
    esp::SerialConsole serial;
    esp::UartDisplay text_display;
#if CONFIG_STETHO_SIM
    hal::NoBattery battery;
    esp::SyntheticAudio audio{72};
    esp::OpenEth network{events};
#else
#if CONFIG_STETHO_BATTERY
    esp::AdcBattery battery{{CONFIG_STETHO_PIN_BATTERY, CONFIG_STETHO_PIN_CHARGING},
                            CONFIG_STETHO_BATTERY_DIVIDER};
#else
    hal::NoBattery battery;
#endif
    esp::I2sAudio audio{{CONFIG_STETHO_PIN_I2S_SCK, CONFIG_STETHO_PIN_I2S_WS, CONFIG_STETHO_PIN_I2S_SD}};
    esp::Wifi network{events};
    esp::GpioButton button{CONFIG_STETHO_PIN_BUTTON};
    esp::I2cBus i2c;
    Sh1106 display{i2c, CONFIG_STETHO_OLED_ADDRESS};
#endif
};

}  // namespace stetho::board
