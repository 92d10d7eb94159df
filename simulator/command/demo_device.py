"""Stethoscope of the demo: plays sounds, shows its display, and prints one line for each result."""

import json
import re
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from broker.account import Credentials
from edge_worker.protocol import strict_json
from edge_worker.protocol.verdict_words import SEVERITIES, SHORT_DISAGREE, SYMBOLS
from simulator.device.display import Display
from simulator.site import device_program
from simulator.site.site import Site

DEVICE_ID: Final = "st-01"
_PICTURES: Final = Path("build") / "oled"


class DemoDevice:
    """Device of a site, as a child process for each sound."""

    def __init__(self, site: Site, dashboard: str, *, is_verbose: bool) -> None:
        """`dashboard`: address of the site's API, without a slash at its end."""
        self._port = str(site.broker.port)
        self.account: Credentials = site.add_device(DEVICE_ID)
        self._dashboard = dashboard
        self._is_verbose = is_verbose

    def send(self, sound: Path) -> bool:
        """Record a file; return whether it got a result."""
        return self._simulate("send", str(sound.resolve()))

    def stream(self, sound: Path, seconds: int) -> bool:
        """Stream a file, in real time; return whether it got a result."""
        return self._simulate("live", "--file", str(sound.resolve()), "--seconds", str(seconds))

    def record_with_firmware(self, sound: Path, program: Path) -> bool:
        """Record a file with the firmware; return whether it got a result."""
        from simulator.site import firmware  # noqa: PLC0415 - so that --help is quick

        pictures = _PICTURES / (re.sub("[^a-z0-9]+", "-", sound.stem.lower()).strip("-") or "sound")
        command = firmware.recording(program, self._port, DEVICE_ID, sound.resolve(), pictures.absolute())
        is_ok = self._run(command)
        say("pictures", f"{len(list(pictures.glob('*.png')))} of the display in {pictures}/")
        return is_ok

    def _simulate(self, *arguments: str) -> bool:
        where = ["--device", DEVICE_ID, "--port", self._port]
        return self._run([sys.executable, "-m", "simulator", *arguments, *where])

    def _run(self, command: Sequence[str | Path]) -> bool:
        password = {"STETHO_DEVICE_PASSWORD": self.account.password}
        status, printed = device_program.run(command, password, Display(only_last=True))
        if status != 0:
            return False
        result = self._stored(json.loads(printed)["recording_id"])
        if self._is_verbose:
            print(strict_json.write(result, indent=2))
        page = f"{self._dashboard}/ui/recordings/{result['recording_id']}?device={DEVICE_ID}"
        say("result", f"{answer(result)}   {page}")
        return True

    def _stored(self, recording_id: str) -> dict[str, Any]:
        """Return the full result, as everybody finds it from now on."""
        url = f"{self._dashboard}/api/v1/recordings/{recording_id}?device={DEVICE_ID}"
        with urllib.request.urlopen(url, timeout=10) as stored:  # noqa: S310 - our own loopback server
            document: dict[str, Any] = json.load(stored)["result"]
            return document


def answer(result: dict[str, Any]) -> str:
    """Return a full result in one line: what was heard, how sure the model is, and the heart rate."""
    verdict, bpm = result["verdict"], result["heart_rate_bpm"]
    severity = verdict["severity"]
    words = [f"{SYMBOLS[severity]} {verdict['text']}"]
    if verdict["label"] is None:
        words += result["hints"]
    else:
        words += [SEVERITIES[severity]["en"].lower(), f"{100 * verdict['confidence']:.0f} %"]
    words += [SHORT_DISAGREE["en"]] if verdict["disagree"] else []
    words += [] if bpm is None else [f"{bpm:.0f} bpm"]
    return ", ".join(words)


def say(name: str, value: str) -> None:
    """Print a line of what the demo has to say."""
    print(f"{name:<11}{value}", flush=True)
