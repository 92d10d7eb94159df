"""The dashboard in a real browser, in front of a real broker, worker and API."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from archive import Archive
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from broker.account import Credentials
from edge_worker.database.api_key import ApiKeys
from history_api.application import create_app
from simulator.site.site import Site

PAGES = (
    "/",
    "/ui/history",
    "/ui/exams",
    "/ui/devices",
    "/ui/upload",
    "/ui/models",
    "/ui/training",
    "/ui/system",
)
CHROMIUM = shutil.which("chromium")
WITHIN_MS = 20_000
SIMULATOR = [sys.executable, "-m", "simulator"]

_IS_DRAWN = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((red, i) => i % 4 === 0 && red > 150 && data[i + 1] < 60);
}"""
"""Some of the canvas has the red of the trace, which nothing else there has."""


class House:
    """A site with a device, and what it plays."""

    def __init__(self, site: Site, directory: Path) -> None:
        self.site = site
        site.start_worker()
        self.url = site.start_api()
        self.device: Credentials = site.add_device("st-01")
        self.heart = directory / "heart.wav"
        command = [*SIMULATOR, "synth", "--seconds", "5", "--bpm", "72", "-o", str(self.heart)]
        subprocess.run(command, check=True, capture_output=True)

    def play(self) -> None:
        """Play the heart as the device."""
        subprocess.run(
            [*SIMULATOR, "send", str(self.heart), *self._as_device()], check=True, capture_output=True
        )

    def stream(self) -> "subprocess.Popen[bytes]":
        """Begin to play the heart again and again, as a stream of a minute."""
        live = [*SIMULATOR, "live", "--file", str(self.heart), "--seconds", "60"]
        return subprocess.Popen([*live, *self._as_device()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def _as_device(self) -> list[str]:
        port = str(self.site.broker.port)
        return ["--device", "st-01", "--port", port, "--password", self.device.password]


class Visit:
    """One tab, and everything that went wrong in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.set_default_timeout(WITHIN_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((url, "data:")) else self.faults.append(asked.url),
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: run tests/install_chromium.sh")
        pytest.skip("NO BROWSER: the pages were not looked at (run tests/install_chromium.sh)")
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield House(site, tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def browser(house: House) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(house: House, browser: Browser) -> Iterator[Visit]:
    """A tab; it must stay on this server, and its console empty."""
    context = browser.new_context(base_url=house.url)
    made = Visit(context.new_page(), house.url)
    yield made
    context.close()
    assert made.faults == []


def test_c6_a_device_that_plays_is_seen_without_reload(house: House, visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    expect(page.locator("#connection")).to_have_text("● live", timeout=WITHIN_MS)
    expect(page.locator(".sound")).to_have_count(0)
    house.play()
    expect(page.locator("#devices")).to_contain_text("st-01", timeout=WITHIN_MS)
    expect(page.locator("#source")).to_contain_text("st-01", timeout=WITHIN_MS)
    expect(page.locator("#sounds .sound")).to_have_count(1, timeout=WITHIN_MS)
    expect(page.locator("#said")).to_contain_text("st-01: ")
    expect(page.locator("#rate")).to_have_text("72")
    assert page.locator("#trace").evaluate(_IS_DRAWN)
    page.locator("#sounds a").click()
    expect(page.locator("h1")).to_have_text("Recording")
    page.goto("/ui/devices/st-01")
    expect(page.get_by_text("software")).to_be_visible()  # as it said itself, of its hardware


def test_e8_heart_rate_and_hint_are_seen_while_the_sound_still_plays(house: House, visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    expect(page.locator("#connection")).to_have_text("● live", timeout=WITHIN_MS)
    before = page.locator("#sounds .sound").count()
    playing = house.stream()
    try:
        expect(page.locator("#hint")).to_have_text(re.compile(r"^HR 7[0-4] good$"), timeout=WITHIN_MS)
        expect(page.locator("#rate")).to_have_text(re.compile("^7[0-4]$"))
        assert page.locator("#quality").evaluate("meter => meter.value") > 0.5
        assert page.locator("#trace").evaluate(_IS_DRAWN)
        assert playing.poll() is None, "it still plays"
        assert page.locator("#sounds .sound").count() == before, "there is no result yet"
        playing.send_signal(signal.SIGINT)
        display = playing.communicate(timeout=60)[1].decode()
    finally:
        playing.kill()
        playing.wait()
    assert re.search("HR 7[0-4] good", display), "the display of the device said so, too"
    expect(page.locator("#sounds .sound")).to_have_count(before + 1, timeout=WITHIN_MS)
    expect(page.locator("#now")).to_be_hidden()


def test_e7_files_are_uploaded_one_after_the_other_with_progress(
    house: House, visit: Visit, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.wav"
    notes.write_text("not a sound")
    page = visit.page
    page.goto("/ui/upload")
    page.get_by_label("heart2").check()
    page.get_by_label("Sound files").set_input_files([house.heart, notes, house.heart])
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#files progress")).to_have_count(3, timeout=WITHIN_MS)
    expect(page.locator("#summary")).to_have_text("3 of 3 done: 2 analysed, 1 not", timeout=WITHIN_MS)
    expect(page.locator("#files .sound")).to_have_count(2)
    expect(page.locator("#files [role=alert]")).to_contain_text("not analysed: ")
    assert [fault for fault in visit.faults if "415" not in fault] == [], "the refusal, and nothing else"
    visit.faults.clear()


def test_e7_history_is_filtered_and_a_recording_asks_before_it_goes(house: House, visit: Visit) -> None:
    page = visit.page
    page.goto("/ui/history")
    page.get_by_label("Device").fill("st-01")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(2)  # played, and streamed
    page.get_by_label("Device").fill("st-77")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("main")).to_contain_text("No result passes this filter")
    page.get_by_role("link", name="All").click()
    page.locator("tbody a").first.click()
    page.get_by_role("button", name="Delete this recording").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_review_is_saved_unless_somebody_was_faster_and_a_deleted_recording_is_gone(
    house: House, visit: Visit
) -> None:
    sent = requests.post(
        f"{house.url}/api/v1/recordings?model=heart2", files={"file": house.heart.read_bytes()}, timeout=30
    ).json()
    page, shown = visit.page, f"/ui/recordings/{sent['recording_id']}?device=upload"
    recording = house.url + sent["links"]["recording"]
    page.goto(shown)
    page.get_by_label("Note").fill("a clear heart")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#message")).to_have_text("Saved: confirmed.")
    review = requests.get(recording, timeout=30).json()["review"]
    assert (review["verdict"], review["note"], review["version"]) == ("confirmed", "a clear heart", 1)
    address = recording.replace("?", "/review?")
    headers = {"If-Match": '"1"'}
    said = {"verdict": "rejected", "note": "noise"}
    assert requests.put(address, json=said, headers=headers, timeout=30).status_code == 200
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#message")).to_contain_text("Not saved: ")
    assert [fault for fault in visit.faults if "412" not in fault] == []
    visit.faults.clear()
    page.get_by_role("button", name="Delete this recording").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("h1")).to_have_text("Deleted")
    assert requests.get(recording, timeout=30).status_code == 404
    assert not list(house.site.data_dir.rglob(f"*{sent['recording_id']}*"))


def test_e7_system_is_renewed_without_reload(house: House, visit: Visit) -> None:
    page = visit.page
    page.goto("/ui/system")
    page.evaluate("window.isFirst = true")
    page.locator("#parts h2").first.evaluate("heading => { heading.textContent = 'old' }")
    expect(page.locator("#parts h2").first).to_have_text("Parts", timeout=WITHIN_MS)
    expect(page.locator("#parts")).to_contain_text("Worker")
    assert page.evaluate("window.isFirst"), "the page was not loaded again"


def test_e8_recordings_that_a_form_joins_are_seen_on_a_chest(house: House, visit: Visit) -> None:
    page = visit.page
    for site in ("AV", "MV"):
        page.goto("/ui/upload")
        page.locator("#file").set_input_files(house.heart)
        page.get_by_label("Where on the chest").fill(site)
        page.get_by_label("Exam").fill("visit-7")
        page.get_by_role("button", name="Analyse").click()
        expect(page.locator("#summary")).to_have_text("1 of 1 done: 1 analysed, 0 not", timeout=WITHIN_MS)
    page.get_by_role("link", name="Exams").click()
    page.locator("td a", has_text="UTC").first.click()
    expect(page.locator("h1")).to_have_text("Exam")
    places = page.locator(".place")
    states = [places.nth(number).get_attribute("data-state") for number in range(4)]
    assert states[1:3] == ["missing", "missing"]
    assert "missing" not in (states[0], states[3])
    expect(page.get_by_role("img", name="PV: missing. TV: missing.")).to_be_visible()
    expect(page.locator(".hints")).to_contain_text("Missing: PV (pulmonary)")
    page.locator("td a").first.click()
    expect(page.locator("h1")).to_have_text("Recording")
    expect(page.get_by_role("link", name="visit-7")).to_be_visible()


def test_e7_a_form_says_which_models_a_device_gets_and_whether_a_gate_cuts(
    house: House, visit: Visit
) -> None:
    page, said = visit.page, visit.page.locator("#said")

    def wanted() -> dict[str, Any]:
        document: dict[str, Any] = requests.get(
            f"{house.url}/api/v1/devices/st-07/settings", timeout=30
        ).json()
        return {name: document[name] for name in ("models", "gate")}

    page.goto("/ui/devices/st-07")
    expect(said).to_have_text("Nothing differs from the site.")
    expect(page.locator("#others")).to_be_hidden()
    page.get_by_label("Label on its display").select_option("esc50")
    page.get_by_label("digits").check()
    page.get_by_label("Cut a stream into events").check()
    page.get_by_label("Opens at").fill("0.03")
    page.get_by_role("button", name="Save").click()
    expect(said).to_have_text("Saved.")
    assert wanted() == {"models": ["esc50", "digits"], "gate": {"on": True, "threshold": 0.03}}
    page.goto("/ui/devices")
    page.get_by_role("link", name="st-07").click()
    expect(page.get_by_label("Label on its display")).to_have_value("esc50")
    expect(page.get_by_label("digits")).to_be_checked()
    page.get_by_role("button", name="All as the site").click()
    expect(said).to_have_text("All as the site.")
    assert wanted() == {"models": None, "gate": {"on": False, "threshold": None}}
    expect(page.locator("#others")).to_be_hidden()


@pytest.mark.parametrize("address", PAGES)
def test_the_keyboard_reaches_the_navigation_and_the_controls(visit: Visit, address: str) -> None:
    page = visit.page
    page.goto(address)
    reached, inside = [], False
    for _ in range(11):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
        inside = inside or page.evaluate("document.activeElement.closest('main') !== null")
    assert reached[:9] == [
        "Skip to the content",
        "Overview",
        "History",
        "Exams",
        "Devices",
        "Upload",
        "Models",
        "Training",
        "System",
    ]
    assert inside


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of an API that asks for keys, and a key."""
    archive = Archive(tmp_path)
    archive.add(1)
    keyring = ApiKeys(archive.settings.database)
    key = keyring.add("ann", "admin")
    keyring.close()
    server = make_server(
        "127.0.0.1", 0, create_app(replace(archive.settings, api_auth="keys")), threaded=True
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", key
    server.shutdown()
    thread.join()


def test_a_person_signs_in_and_a_session_that_ended_leads_to_the_login(
    guarded: tuple[str, str], browser: Browser
) -> None:
    url, key = guarded
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.set_default_timeout(WITHIN_MS)
    page.goto("/")
    expect(page).to_have_url(f"{url}/login")
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#sounds .sound")).to_have_count(1, timeout=WITHIN_MS)
    expect(page.locator("header")).to_contain_text("ann")
    page.get_by_role("link", name="Training").click()
    expect(page.locator("#state")).to_contain_text("idle", timeout=WITHIN_MS)
    context.clear_cookies()
    expect(page).to_have_url(f"{url}/login", timeout=WITHIN_MS)
    context.close()


def test_nothing_is_wider_than_a_phone(house: House, browser: Browser) -> None:
    join = f"{house.url}/api/v1/recordings?exam=phone&site=AV"
    with house.heart.open("rb") as heart:
        assert requests.post(join, files={"file": heart}, timeout=60).status_code == 201
    exam_address = "/ui/exams/phone"
    context = browser.new_context(base_url=house.url, viewport={"width": 360, "height": 740})
    page = context.new_page()
    for address in (*PAGES, exam_address, "/ui/devices/st-01"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    context.close()
