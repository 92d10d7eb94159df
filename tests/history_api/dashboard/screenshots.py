"""Renews the pictures in `docs/images`: a site with a simulated device, seen in a browser, and its reports.

`make screenshots` runs it. The hearts are synthesised; all else is as in use.
"""

import io
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import pypdfium2
import requests
from browser_site import SIMULATOR, DashboardSite, chromium, fake_microphone
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from simulator.site.site import Site

IMAGES: Final = Path(__file__).parents[3] / "docs" / "images"
_DESK: Final[ViewportSize] = {"width": 1280, "height": 900}
_PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
_PAPER_SCALE: Final = 0.97
"""Pixels a point: a page is 579 wide."""
_COLOURS: Final = 128
_ZONE: Final = "Europe/Berlin"
_WAVE_MS: Final = 4_000
"""Until some beats are drawn."""
_WITHIN_MS: Final = 60_000
_EXAM: Final = {"AV": ("normal", 1), "PV": ("murmur", 2), "MV": ("normal", 4)}
"""Finding and seed at each position; TV is missing, as the picture is to show."""


def main() -> None:
    """Write all pictures."""
    os.environ.setdefault("TZ", _ZONE)
    time.tzset()
    with tempfile.TemporaryDirectory() as directory, Site(Path(directory) / "site") as running:
        site = DashboardSite(running, Path(directory))
        for position, (finding, seed) in _EXAM.items():
            _send(
                site,
                Path(directory) / f"{position}.wav",
                finding,
                seed,
                "--site",
                position,
                "--exam",
                "visit-7",
            )
        site.play()
        items = requests.get(f"{site.url}/api/v1/results", timeout=30).json()["items"]
        by_site = {each["site"]: each["recording_id"] for each in items}
        _save_pictures(site, items[0]["recording_id"])
        with chromium(*fake_microphone(site.heart)) as browser:
            _save_record_page(site, browser)
            _save_pages(site, browser, by_site["PV"])
            _save_overview(site, browser)
        _save_paper(site, f"recordings/{by_site['PV']}", "report.png")
        _save_paper(site, "exams/visit-7", "report-exam.png")


def _send(site: DashboardSite, file: Path, finding: str, seed: int, *options: str) -> None:
    sound = ["--finding", finding, "--seed", str(seed), "--seconds", "8", "--sample-rate", "4000"]
    subprocess.run([*SIMULATOR, "synth", *sound, "-o", str(file)], check=True, capture_output=True)
    command = [*SIMULATOR, "send", str(file), *site.device_options(), *options]
    subprocess.run(command, check=True, capture_output=True)


def _save_pictures(site: DashboardSite, recording: str) -> None:
    for name in ("waveform.svg", "spectrogram.png"):
        answer = requests.get(f"{site.url}/api/v1/recordings/{recording}/{name}", timeout=60)
        answer.raise_for_status()
        (IMAGES / name).write_bytes(answer.content)


def _save_pages(site: DashboardSite, browser: Browser, recording: str) -> None:
    page = browser.new_context(
        base_url=site.url, viewport=_DESK, timezone_id=_ZONE, reduced_motion="reduce"
    ).new_page()
    for address, name in (
        (f"/ui/recordings/{recording}", "recording.png"),
        ("/ui/exams/visit-7", "exam.png"),
    ):
        page.goto(address, wait_until="networkidle")
        _shoot(page, name)
    page.context.close()


def _save_record_page(site: DashboardSite, browser: Browser) -> None:
    """Save the page that records, on a phone, while it does."""
    page = browser.new_context(
        base_url=site.url, viewport=_PHONE, locale="en-GB", permissions=["microphone"]
    ).new_page()
    page.goto("/ui/record")
    page.get_by_label("Where on the chest").select_option("MV")
    page.get_by_label("Whose sound").fill("P-0042")
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#message")).to_have_text("Recording 10 s.", timeout=_WITHIN_MS)
    expect(page.locator("#countdown")).to_have_text("8", timeout=_WITHIN_MS)
    _shoot(page, "record-phone.png")
    page.context.close()


def _save_overview(site: DashboardSite, browser: Browser) -> None:
    """Save the overview while the device sends a stream, wide and light, narrow and dark."""
    desk = browser.new_context(base_url=site.url, viewport=_DESK, timezone_id=_ZONE, reduced_motion="reduce")
    phone = browser.new_context(
        base_url=site.url, viewport=_PHONE, color_scheme="dark", timezone_id=_ZONE, reduced_motion="reduce"
    )
    pages = {"dashboard.png": desk.new_page(), "dashboard-dark-phone.png": phone.new_page()}
    streaming = site.stream()
    try:
        for name, page in pages.items():
            page.goto("/")
            expect(page.locator("#rate")).to_have_text("72", timeout=_WITHIN_MS)
            expect(page.locator("#hint")).to_contain_text("good", timeout=_WITHIN_MS)
            expect(page.locator("#sounds .sound").first).to_be_visible(timeout=_WITHIN_MS)
            page.wait_for_timeout(_WAVE_MS)
            _shoot(page, name)
    finally:
        streaming.kill()
        streaming.wait()
    desk.close()
    phone.close()


def _save_paper(site: DashboardSite, address: str, name: str) -> None:
    answer = requests.get(f"{site.url}/api/v1/{address}/report.pdf", timeout=60)
    answer.raise_for_status()
    document = pypdfium2.PdfDocument(answer.content)
    _save(document[0].render(scale=_PAPER_SCALE).to_pil(), name)
    document.close()


def _shoot(page: Page, name: str) -> None:
    _save(Image.open(io.BytesIO(page.screenshot())), name)


def _save(picture: Image.Image, name: str) -> None:
    """Write a picture in few colours: screens and paper have no more, and the file a third of the size."""
    picture.convert("RGB").quantize(_COLOURS).save(IMAGES / name, optimize=True)
    print(f"docs/images/{name}")


if __name__ == "__main__":
    main()
