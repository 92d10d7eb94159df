"""Firmware of the stethoscope as a Linux program, in place of the Python simulator."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from edge_worker.errors import SettingsError
from simulator.sound import sound_file

_FIRMWARE: Final = Path(__file__).parents[2] / "firmware"
_PROGRAM: Final = "stethoscope-posix"
_RATES_HZ: Final = (44_100, 16_000, 4_000)
"""Sample rates at which a stethoscope records."""


def build() -> Path:
    """Build the program and return its path; the first build takes a minute.

    Raises:
        SettingsError: its sources or CMake are not here, or it does not build.
    """
    if not (_FIRMWARE / "CMakePresets.json").is_file():
        raise SettingsError(
            "--firmware builds the firmware from its sources, which only a checkout of the repository has"
        )
    if shutil.which("cmake") is None:
        raise SettingsError("there is no cmake; firmware/install.sh installs what builds the firmware")
    print("Building the firmware (the first time it takes a minute) ...", flush=True)
    for command in (
        ["cmake", "--preset", "host"],
        ["cmake", "--build", "--preset", "host", "--target", _PROGRAM, "--parallel", "2"],
    ):
        done = subprocess.run(
            command, cwd=_FIRMWARE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            raise SettingsError(f"the firmware cannot be built (firmware/install.sh):\n{done.stdout[-2000:]}")
    return _FIRMWARE / "build" / "host" / "posix" / _PROGRAM


def recording(program: Path, port: str, device_id: str, sound: Path, pictures: Path) -> list[str | Path]:
    """Return the command that records `sound` with the firmware, its display as PNG files in `pictures`."""
    shutil.rmtree(pictures, ignore_errors=True)
    return [
        program,
        *("--port", port, "--device", device_id),
        *("--audio", _playable(sound, pictures.with_suffix(".wav"))),
        *("--once", "--oled-png", pictures),
    ]


def _playable(sound: Path, converted: Path) -> Path:
    """Return a copy of `sound` as the program plays it: 16-bit WAV at a rate of a stethoscope."""
    recorded = sound_file.read(sound)
    if recorded.sample_rate not in _RATES_HZ:
        recorded = sound_file.read(sound, _RATES_HZ[0])
    converted.parent.mkdir(parents=True, exist_ok=True)
    sound_file.write(converted, recorded)
    return converted
