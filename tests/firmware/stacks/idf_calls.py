"""How deep on a stack gets what is not ours: calls of ESP-IDF and of the C library, and how that is known."""

import re
from typing import Final

CONTEXT: Final = 640
"""Bytes of a task besides its calls: the registers that an interrupt saves on it, those of the floating point
unit (`XT_STK_FRMSZ` and `XT_CP_SIZE` of ESP-IDF's FreeRTOS), its thread-local variables."""
PER_CALL: Final = 48
"""Bytes of a call on Xtensa beyond its frame on RISC-V: the window of registers that it may have to save.
Function by function, clang's frames for Xtensa are 0 to 48 bytes larger than GCC's for RISC-V."""

LOG: Final = 1_280
"""A line of the log or of `printf`: newlib's `_vfprintf_r` takes 300 bytes (disassembled), then come stream,
virtual file system and the console's driver. (A stream without buffer would add `__sbprintf`, 1,130.)"""
TLS: Final = 4_864
"""A TLS handshake: measured on a painted stack of mbedTLS 2.28 on x86-64, with TLS 1.2, 4,632 bytes with keys
on P-256 and 3,128 with RSA. The chip's pointers are half as large."""

_CALLS: Final = (
    # Leaves: arithmetic, memory, a look at a register.
    (r"__\w*(div|mod|mul|clz|add|sub|fix|float|atomic|extend|trunc|lt|gt|le|ge|eq|ne|pack|unpack)\w*", 128),
    (
        r"(mem|str)\w+|esp_random|esp_timer_get_time|esp_reset_reason|gpio_get_level|gettimeofday|clearerr",
        128,
    ),
    (r"(sin|cos|exp|pow|log|sqrt)f?", 256),
    (r"(x|ux|v)(Queue|Semaphore|Task|Stream|Event)\w+", 512),  # they may switch to another task: CONTEXT
    (r"malloc|calloc|free|realloc|heap_caps_\w+|esp_get_free_heap_size|_Z(dl|dlPv|nw)\w*", 512),
    # What speaks TLS, on the caller's task. (What we call of esp-mqtt does not wait for the network.)
    (r"esp_https_ota_(begin|perform|finish|abort)|esp_http_client_\w+|esp_tls_\w+", TLS + 1_536),
    (r"httpd_(req|resp)_\w+", 256 + LOG),  # they send and receive on the server's task, or log that it failed
    # Drivers, network, flash: a few levels of their own; on an error they write to the log.
    (
        r"esp_restart|esp_ota_\w+|esp_core_dump_\w+|esp_partition_\w+|nvs_\w+",
        1_536 + LOG,
    ),  # flash: it also stops the other core
    (
        r"esp_wifi_\w+|esp_mqtt_\w+|esp_netif_\w+|esp_eth_\w+|httpd_\w+|esp_event_\w+|getaddrinfo|mdns_\w+",
        1_024 + LOG,
    ),
)
_OTHER: Final = 512 + LOG
"""Every other call of ESP-IDF: it may write to the log."""

AT_ENTRY: Final = {"mqtt_task": 1_536, "httpd": 1_536, "sys_evt": 768, "tiT": 1_024}
"""What is on the stack of a task of ESP-IDF, by its name, when it calls us: the library's own frames."""
ALONE: Final = {"mqtt_task": TLS + 768}
"""What a task of ESP-IDF does without us: esp-mqtt connects, by transport, esp-tls and TLS handshake."""


def depth_of(function: str) -> int:
    """Return the bytes that a call of `function`, which is not ours, takes on the stack at most."""
    return next((size for pattern, size in _CALLS if re.fullmatch(pattern, function)), _OTHER)
