// Stub of sdkconfig.h of ESP-IDF: the values that our adapters use, for type checks without ESP-IDF.
#pragma once

// The values of main/Kconfig.projbuild as they are by default, and what the build system sets. -D overrides
// them.
#ifndef CONFIG_STETHO_PIN_BUTTON
#define CONFIG_STETHO_PIN_BUTTON 1
#define CONFIG_STETHO_PIN_I2S_SD 10
#define CONFIG_STETHO_PIN_I2S_WS 11
#define CONFIG_STETHO_PIN_I2S_SCK 12
#define CONFIG_STETHO_MICROPHONE_GAIN 16
#define CONFIG_STETHO_PIN_I2C_SDA 8
#define CONFIG_STETHO_PIN_I2C_SCL 9
#define CONFIG_STETHO_OLED_ADDRESS 0x3c
#define CONFIG_STETHO_BATTERY 1
#define CONFIG_STETHO_PIN_BATTERY 4
#define CONFIG_STETHO_BATTERY_DIVIDER 2000
#define CONFIG_STETHO_PIN_CHARGING -1
#define CONFIG_STETHO_SNTP_SERVER "pool.ntp.org"
#define CONFIG_ESP_CONSOLE_UART_NUM 0
#define CONFIG_ESP_COREDUMP_ENABLE_TO_FLASH 1
#define CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG_ENABLED 1
#endif
#if CONFIG_STETHO_SIM
#define CONFIG_ETH_USE_OPENETH 1
#else
#define CONFIG_SPIRAM 1
#define CONFIG_STETHO_SLEEP 1
#define CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ 240
#endif
