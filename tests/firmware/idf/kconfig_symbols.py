"""Symbols of ESP-IDF's Kconfig that the image sets: what each may be, and what it needs.

Stated from the Kconfig files; each is one of ESP-IDF 5.3, 5.5 and 6.0 (MQTT: of espressif/mqtt 1.0). A symbol
that a version lacks is only a warning there, and one whose need is not met is dropped without a word.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Symbol:
    """What a symbol may be: "y" and "n", numbers, or texts."""

    least: int | None = None
    most: int | None = None
    text: bool = False
    needs: str = ""
    """Symbol that must be "y", or this one has no effect."""
    by_default: str = ""
    """Value without a line for it; where two of a choice exclude each other, this one is chosen."""


_YES: Final = Symbol()
_MQTT: Final = "MQTT_USE_CUSTOM_CONFIG"

SYMBOLS: Final = {
    "IDF_TARGET": Symbol(text=True),
    "ESPTOOLPY_FLASHSIZE_8MB": _YES,
    "PARTITION_TABLE_CUSTOM": _YES,
    "PARTITION_TABLE_CUSTOM_FILENAME": Symbol(text=True, needs="PARTITION_TABLE_CUSTOM"),
    "BOOTLOADER_APP_ROLLBACK_ENABLE": _YES,
    "I2S_ISR_IRAM_SAFE": _YES,
    "SPIRAM": _YES,
    "SPIRAM_MODE_QUAD": Symbol(needs="SPIRAM"),
    "SPIRAM_MODE_OCT": Symbol(needs="SPIRAM"),
    "SPIRAM_SPEED_80M": Symbol(needs="SPIRAM"),
    "SPIRAM_BOOT_INIT": Symbol(needs="SPIRAM", by_default="y"),
    "SPIRAM_IGNORE_NOTFOUND": Symbol(needs="SPIRAM_BOOT_INIT"),
    "SPIRAM_USE_MALLOC": Symbol(needs="SPIRAM"),
    "SPIRAM_MALLOC_ALWAYSINTERNAL": Symbol(0, 131_072, needs="SPIRAM_USE_MALLOC"),
    "FREERTOS_HZ": Symbol(1, 1000),
    "FREERTOS_USE_TICKLESS_IDLE": Symbol(needs="PM_ENABLE"),
    "PM_ENABLE": _YES,
    "FREERTOS_WATCHPOINT_END_OF_STACK": _YES,
    "ESP_DEFAULT_CPU_FREQ_MHZ_240": _YES,
    "ESP_MAIN_TASK_STACK_SIZE": Symbol(1024, 65_536),
    "ESP_SYSTEM_EVENT_TASK_STACK_SIZE": Symbol(1024, 65_536),
    "MQTT_USE_CUSTOM_CONFIG": _YES,
    "MQTT_POLL_READ_TIMEOUT_MS": Symbol(1, 60_000, needs=_MQTT),
    "MQTT_OUTBOX_EXPIRED_TIMEOUT_MS": Symbol(1, 3_600_000, needs=_MQTT),
    "MQTT_REPORT_DELETED_MESSAGES": _YES,
    "MQTT_CUSTOM_OUTBOX": _YES,
    "MQTT_TASK_CORE_SELECTION_ENABLED": _YES,
    "MQTT_USE_CORE_0": Symbol(needs="MQTT_TASK_CORE_SELECTION_ENABLED"),
    "MBEDTLS_DYNAMIC_BUFFER": _YES,
    "MBEDTLS_CERTIFICATE_BUNDLE": _YES,
    "MBEDTLS_HAVE_TIME": Symbol(by_default="y"),
    "MBEDTLS_HAVE_TIME_DATE": Symbol(needs="MBEDTLS_HAVE_TIME"),
    "LWIP_DHCP_GET_NTP_SRV": _YES,
    "LWIP_TCPIP_TASK_STACK_SIZE": Symbol(2048, 65_536),
    "LWIP_SNTP_MAX_SERVERS": Symbol(1, 16),
    "HTTPD_MAX_REQ_HDR_LEN": Symbol(128, 65_536),
    "ESP_SYSTEM_PANIC_PRINT_REBOOT": _YES,
    "ESP_COREDUMP_ENABLE_TO_FLASH": _YES,
    "ESP_COREDUMP_STACK_SIZE": Symbol(0, 4096, needs="ESP_COREDUMP_ENABLE_TO_FLASH"),
    "ESP_TASK_WDT_EN": Symbol(by_default="y"),
    "ESP_TASK_WDT_INIT": Symbol(needs="ESP_TASK_WDT_EN", by_default="y"),
    "ESP_TASK_WDT_PANIC": Symbol(needs="ESP_TASK_WDT_INIT"),
    "ESP_TASK_WDT_TIMEOUT_S": Symbol(1, 60, needs="ESP_TASK_WDT_INIT"),
    "ESP_INT_WDT": _YES,
    "COMPILER_OPTIMIZATION_PERF": _YES,
    "LOG_DEFAULT_LEVEL_INFO": _YES,
    "ETH_USE_OPENETH": _YES,
}
STOPS_WITHOUT_PSRAM: Final = (
    "SPIRAM_ALLOW_BSS_SEG_EXTERNAL_MEMORY",
    "SPIRAM_ALLOW_NOINIT_SEG_EXTERNAL_MEMORY",
    "SPIRAM_FETCH_INSTRUCTIONS",
    "SPIRAM_RODATA",
    "SPIRAM_XIP_FROM_PSRAM",
)
"""Symbols that take SPIRAM_IGNORE_NOTFOUND away: a board without PSRAM then panics at each start."""
