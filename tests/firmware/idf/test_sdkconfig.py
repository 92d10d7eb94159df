"""Each line of idf/sdkconfig.* is a symbol that ESP-IDF has, with a value that it takes and an effect."""

import re
from typing import Final

import pytest
from kconfig_symbols import STOPS_WITHOUT_PSRAM, SYMBOLS, Symbol
from toolchain import FIRMWARE

IDF: Final = FIRMWARE / "idf"
BUILDS: Final = {"board": ("sdkconfig.defaults",), "simulation": ("sdkconfig.defaults", "sdkconfig.sim")}
WITH_LIMITS_OF_THEIR_OWN: Final = {"esp_mqtt_client"}
"""Loops that no watchdog looks at: a name server may keep esp-mqtt for half a minute."""
_LINE: Final = re.compile(r"CONFIG_(\w+)=(.+)")
_OURS: Final = re.compile(
    r"^ +config (\w+)\n(?: +(?:bool|int|hex|string) .*\n)?(?: +range (\w+) (\w+)\n)?", re.MULTILINE
)


def _lines(file: str) -> dict[str, str]:
    """Return what one file sets."""
    values: dict[str, str] = {}
    for line in (IDF / file).read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        match = _LINE.fullmatch(line)
        assert match is not None, line
        assert match[1] not in values, f"{match[1]} is set twice"
        values[match[1]] = match[2]
    return values


def _symbols() -> dict[str, Symbol]:
    """Return the symbols of ESP-IDF and our own (main/Kconfig.projbuild)."""
    text = (FIRMWARE / "main" / "Kconfig.projbuild").read_text()
    ours = {
        name: Symbol(int(low, 0), int(high, 0)) if low else Symbol()
        for name, low, high in _OURS.findall(text)
    }
    return SYMBOLS | ours


def _is_taken(symbol: Symbol, value: str) -> bool:
    if symbol.text:
        return re.fullmatch(r'"[^"]+"', value) is not None
    if symbol.least is None or symbol.most is None:
        return value in {"y", "n"}
    return value.isdigit() and symbol.least <= int(value) <= symbol.most


@pytest.mark.parametrize("file", sorted({file for files in BUILDS.values() for file in files}))
def test_every_line_is_a_symbol_of_each_version_with_a_value_that_it_takes(file: str) -> None:
    symbols = _symbols()
    values = _lines(file)
    assert [name for name in values if name not in symbols] == []
    assert [name for name, value in values.items() if not _is_taken(symbols[name], value)] == []


def test_every_line_has_an_effect_on_the_board() -> None:
    symbols = _symbols()
    values = {name: symbol.by_default for name, symbol in symbols.items()} | _lines("sdkconfig.defaults")
    idle = [f"{name} needs {symbols[name].needs}=y" for name in _lines("sdkconfig.defaults")
            if symbols[name].needs and values[symbols[name].needs] != "y"]  # fmt: skip
    assert idle == []


def test_a_board_whose_psram_does_not_answer_starts() -> None:
    values = _lines("sdkconfig.defaults")
    assert values["SPIRAM_IGNORE_NOTFOUND"] == "y", "without it the start is a panic"
    assert [name for name in STOPS_WITHOUT_PSRAM if values.get(name, "n") != "n"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MBEDTLS_HAVE_TIME_DATE", "y"),  # a certificate that is over is not trusted
        ("LWIP_DHCP_GET_NTP_SRV", "y"),
        ("SPIRAM_SPEED_80M", "y"),
        ("I2S_ISR_IRAM_SAFE", "y"),  # the microphone goes on while flash is written
        ("BOOTLOADER_APP_ROLLBACK_ENABLE", "y"),
    ],
)
def test_the_board_has_what_the_device_relies_on(name: str, value: str) -> None:
    assert _lines("sdkconfig.defaults")[name] == value


def test_the_synthetic_heart_of_the_simulation_is_not_too_loud() -> None:
    assert _lines("sdkconfig.sim")["STETHO_MICROPHONE_GAIN"] == "1"


@pytest.mark.parametrize("build", BUILDS)
def test_a_crash_is_kept_and_a_task_that_hangs_restarts_the_device(build: str) -> None:
    values = {name: value for file in BUILDS[build] for name, value in _lines(file).items()}
    wanted = ("ESP_COREDUMP_ENABLE_TO_FLASH", "ESP_TASK_WDT_INIT", "ESP_TASK_WDT_PANIC", "ESP_INT_WDT")
    assert [name for name in wanted if values.get(name) != "y"] == []
    assert "coredump" in (IDF / "partitions.csv").read_text()


def test_what_menuconfig_selects_for_sleep_is_what_esp_pm_asks_for() -> None:
    text = (FIRMWARE / "main" / "Kconfig.projbuild").read_text()
    sleep = text[text.index("config STETHO_SLEEP") :].split("\n\n")[0]
    assert "depends on !STETHO_SIM\n" in sleep
    selected = re.findall(r"select (\w+)", sleep)
    assert selected == ["PM_ENABLE", "FREERTOS_USE_TICKLESS_IDLE"], "without the latter ESP_ERR_NOT_SUPPORTED"
    assert [name for name in selected if name not in SYMBOLS] == []


def test_every_loop_of_our_tasks_feeds_a_watchdog() -> None:
    loops = {
        (path.stem, body.strip().splitlines()[0])
        for path in [*FIRMWARE.glob("esp/*.cpp"), *FIRMWARE.glob("main/*.cpp")]
        for _, body in re.findall(
            r"^( +)for \(;;\) \{\n(.*?)^\1\}", path.read_text(), re.MULTILINE | re.DOTALL
        )
        if "return" not in body
    }
    assert {stem for stem, first in loops if first != "watchdog.feed();"} <= WITH_LIMITS_OF_THEIR_OWN
    assert len(loops) >= 3, "they are found"
