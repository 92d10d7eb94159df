"""The firmware, as a Linux program, is provisioned with a browser, over the form of its access point."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest
import requests
import toolchain
from conftest import wait_until
from playwright.sync_api import Page, sync_playwright
from stethoscope import ID, program

from broker.account import Credentials
from broker.mosquitto import Broker, free_port

pytestmark = pytest.mark.timeout(600)  # the first one builds
PROBES: Final = ("/generate_204", "/hotspot-detect.html", "/connecttest.txt", "/ncsi.txt", "/wpad.dat")
"""Pages by which a phone or a computer finds out whether it is in the Internet."""


class Waiting:
    """A device that waits to be provisioned, and what its display has shown."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.settings = folder / "flash" / "settings"
        self._shown = (folder / "display").open("w+")
        self.process = subprocess.Popen(
            [program(), "--settings", str(folder / "flash"), "--portal", str(port)],
            stdin=subprocess.PIPE,
            stderr=self._shown,
        )

    def shows(self, words: str) -> None:
        """Wait until the display has shown the pattern `words`."""
        wait_until(lambda: re.search(words, Path(self._shown.name).read_text()), words, 30)

    def end(self) -> None:
        """End the program; a sanitizer that found something fails the test."""
        self.process.terminate()
        assert self.process.wait(30) == 0, Path(self._shown.name).read_text()[-4000:]
        self._shown.close()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Waiting]:
    """A device without settings, whose form is served."""
    waiting = Waiting(tmp_path, free_port())
    waiting.shows("SETTINGS")
    yield waiting
    waiting.end()


def test_a_phone_that_looks_for_the_internet_is_sent_to_the_form(device: Waiting) -> None:
    for probe in PROBES:
        answer = requests.get(device.url + probe, allow_redirects=False, timeout=10)
        assert (answer.status_code, answer.headers["Location"]) == (302, "http://192.168.4.1/"), probe
    page = requests.get(device.url, timeout=10)
    assert page.status_code == 200
    assert len(page.content) < 8_192
    assert "https://" not in page.text, "it works without Internet"
    assert "&lt;b&gt;Flur" in page.text, "the name of a network is text"


def test_a_form_with_a_mistake_names_the_field(device: Waiting) -> None:
    form = {"wifi_ssid": "ward", "host": "broker", "port": "99999", "device_id": ID}
    assert "<b>port</b>: 1 to 65535" in requests.post(device.url, data=form, timeout=10).text
    device.shows("check: port")
    for body in ("", "=", "&&&", "wifi_pick=zz", "host=%", "x" * 9_000, urlencode({"host": "b" * 65})):
        assert requests.post(device.url, data=body, timeout=10).status_code == 200
    assert not device.settings.exists()


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a real browser."""
    chromium = shutil.which("chromium")
    if chromium is None:
        toolchain.give_up("no chromium (tests/install_chromium.sh)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 360, "height": 640})
        browser.close()


def test_a_person_picks_a_network_fills_in_the_form_and_the_device_connects(
    device: Waiting, page: Page, tmp_path: Path
) -> None:
    with Broker(tmp_path / "broker", tls=True) as broker:
        account: Credentials = broker.add_user("device", ID)
        page.goto(device.url)
        options = page.locator("select[name=wifi_pick] option").all_inner_texts()
        assert options[1:3] == ["Ward 3 (strong, password)", "guests (good, open)"]
        assert len(options) == 5, "markup in the name of a network made no other element"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, "it fits a phone"
        page.select_option("select[name=wifi_pick]", index=4)
        page.fill("input[name=wifi_password]", "correct horse")
        page.fill("input[name=host]", "127.0.0.1")
        page.fill("input[name=port]", str(broker.tls_port))
        page.fill("textarea[name=ca]", broker.ca_path.read_text())
        page.fill("input[name=device_id]", ID)
        page.fill("input[name=password]", account.password)
        page.check("input[type=checkbox]")
        assert page.get_attribute("input[name=password]", "type") == "text"
        page.click("button")
        assert "Received" in page.inner_text("body")
        device.shows("no analyser")
        stored = device.settings.read_bytes()
        assert b'wifi_ssid=\xff\xfe"no text"\n' in stored
        assert re.search(rb"^time=1[78]\d{8}$", stored, re.MULTILINE), "the browser's clock came with it"
