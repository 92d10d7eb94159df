"""A site with one simulated device, and a browser tab that records faults: helpers of the browser tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from broker.account import Credentials
from simulator.site.site import Site

CHROMIUM = shutil.which("chromium")
WITHIN_MS = 20_000
SIMULATOR = [sys.executable, "-m", "simulator"]


class DashboardSite:
    """A running site with the device `st-01` and the heart sound that it plays."""

    def __init__(self, site: Site, directory: Path) -> None:
        self.site = site
        site.start_worker()
        self.url = site.start_api()
        self.device: Credentials = site.add_device("st-01")
        self.heart = directory / "heart.wav"
        command = [*SIMULATOR, "synth", "--seconds", "5", "--bpm", "72", "-o", str(self.heart)]
        subprocess.run(command, check=True, capture_output=True)

    def play(self) -> None:
        """Send the heart sound as one recording of the device."""
        command = [*SIMULATOR, "send", str(self.heart), *self.device_options()]
        subprocess.run(command, check=True, capture_output=True)

    def stream(self) -> "subprocess.Popen[bytes]":
        """Start to send the heart sound, repeated, as a stream of one minute."""
        live = [*SIMULATOR, "live", "--file", str(self.heart), "--seconds", "60"]
        command = [*live, *self.device_options()]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def device_options(self) -> list[str]:
        """Return the options of a program that sends as the device."""
        port = str(self.site.broker.port)
        return ["--device", "st-01", "--port", port, "--password", self.device.password]


class Tab:
    """One browser tab, with script errors, console errors and requests to other hosts as `faults`."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.set_default_timeout(WITHIN_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda entry: self.faults.append(entry.text) if entry.type == "error" else None)
        page.on(
            "request",
            lambda sent: None if sent.url.startswith((url, "data:")) else self.faults.append(sent.url),
        )


def require_chromium() -> None:
    """Skip the test where Chromium is not installed; fail in continuous integration."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: run tests/install_chromium.sh")
        pytest.skip("NO BROWSER: the pages were not tested (run tests/install_chromium.sh)")


def fake_microphone(sound: Path) -> tuple[str, ...]:
    """Return the options of a Chromium that may use a microphone, which plays a file."""
    fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    return (*fake, f"--use-file-for-fake-audio-capture={sound}")


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """Start Chromium with options of its command line, and close it afterwards."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *options])
        yield started
        started.close()
