"""The dashboard in a real browser, with a real broker, worker and API."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from browser_site import WITHIN_MS, DashboardSite, Tab, chromium, require_chromium
from conftest import wait_until
from playwright.sync_api import Browser, Route, expect

from simulator.site.site import Site

PAGES = (
    "/",
    "/ui/history",
    "/ui/exams",
    "/ui/devices",
    "/ui/record",
    "/ui/upload",
    "/ui/models",
    "/ui/training",
    "/ui/system",
)
_IS_DRAWN = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((red, i) => i % 4 === 0 && red > 150 && data[i + 1] < 60);
}"""
"""True if the canvas has pixels in the red of the trace, a colour that nothing else on it has."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardSite]:
    require_chromium()
    with Site(tmp_path_factory.mktemp("site")) as running:
        yield DashboardSite(running, tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def browser(site: DashboardSite) -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def tab(site: DashboardSite, browser: Browser) -> Iterator[Tab]:
    """A tab that must request nothing from other hosts and leave its console empty."""
    context = browser.new_context(base_url=site.url)
    opened = Tab(context.new_page(), site.url)
    yield opened
    context.close()
    assert opened.faults == []


def test_c6_the_overview_shows_a_recording_without_reload(site: DashboardSite, tab: Tab) -> None:
    page = tab.page
    page.goto("/")
    expect(page.locator("#connection")).to_have_text("● live", timeout=WITHIN_MS)
    expect(page.locator(".sound")).to_have_count(0)
    site.play()
    expect(page.locator("#devices")).to_contain_text("st-01", timeout=WITHIN_MS)
    expect(page.locator("#source")).to_contain_text("st-01", timeout=WITHIN_MS)
    expect(page.locator("#sounds .sound")).to_have_count(1, timeout=WITHIN_MS)
    expect(page.locator("#message")).to_contain_text("st-01: ")
    expect(page.locator("#rate")).to_have_text("72")
    assert page.locator("#trace").evaluate(_IS_DRAWN)
    page.locator("#sounds").get_by_role("link", name="st-01", exact=True).click()
    expect(page.locator("h1")).to_have_text("Recording")
    page.goto("/ui/devices/st-01")
    expect(page.get_by_text("software")).to_be_visible()  # reported by the device itself


def test_e8_the_overview_shows_heart_rate_and_hint_during_a_stream(site: DashboardSite, tab: Tab) -> None:
    page = tab.page
    page.goto("/")
    expect(page.locator("#connection")).to_have_text("● live", timeout=WITHIN_MS)
    sounds = page.locator("#sounds .sound")
    expect(sounds).to_have_count(1, timeout=WITHIN_MS)  # it comes after the page
    streaming = site.stream()
    try:
        expect(page.locator("#hint")).to_have_text(re.compile(r"^HR 7[0-4] good$"), timeout=WITHIN_MS)
        expect(page.locator("#rate")).to_have_text(re.compile("^7[0-4]$"))
        assert page.locator("#quality").evaluate("meter => meter.value") > 0.5
        assert page.locator("#trace").evaluate(_IS_DRAWN)
        assert streaming.poll() is None, "the stream is still running"
        assert sounds.count() == 1, "there is no result yet"
        streaming.send_signal(signal.SIGINT)
        display = streaming.communicate(timeout=60)[1].decode()
    finally:
        streaming.kill()
        streaming.wait()
    assert re.search("HR 7[0-4] good", display), "the display of the device shows it, too"
    expect(sounds).to_have_count(2, timeout=WITHIN_MS)
    expect(page.locator("#now")).to_be_hidden()


def test_a_live_result_that_comes_before_the_list_hides_no_older_one(site: DashboardSite, tab: Tab) -> None:
    page, held = tab.page, list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/results?*", hold)
    page.goto("/")
    expect(page.locator("#connection")).to_have_text("● live", timeout=WITHIN_MS)
    site.play()
    sounds = page.locator("#sounds .sound")
    expect(sounds).to_have_count(1, timeout=WITHIN_MS)
    live = sounds.first.get_attribute("data-key")
    (route,) = held
    listed = [f"{each['device_id']}/{each['recording_id']}" for each in route.fetch().json()["items"]]
    assert listed[0] == live, "it is in both"
    assert len(listed) > 1
    route.continue_()
    expect(sounds).to_have_count(len(listed), timeout=WITHIN_MS)
    assert [each.get_attribute("data-key") for each in sounds.all()] == listed


def test_e7_files_are_uploaded_one_after_the_other_with_progress(
    site: DashboardSite, tab: Tab, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.wav"
    notes.write_text("not a sound")
    page = tab.page
    page.goto("/ui/upload")
    page.get_by_label("Normal or abnormal heart").check()
    page.get_by_label("Whose sound").fill("P-19")
    page.get_by_label("Sound files").set_input_files([site.heart, notes, site.heart])
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#files progress")).to_have_count(3, timeout=WITHIN_MS)
    expect(page.locator("#summary")).to_have_text("3 of 3 done: 2 analysed, 1 not", timeout=WITHIN_MS)
    expect(page.locator("#files .sound")).to_have_count(2)
    expect(page.locator("#files [role=alert]")).to_contain_text("not analysed: ")
    assert [fault for fault in tab.faults if "415" not in fault] == [], "only the refused file is a fault"
    tab.faults.clear()
    named = requests.get(f"{site.url}/api/v1/subjects/P-19", timeout=30).json()
    assert named["recordings"] == 2


def test_e7_history_is_filtered_and_deletion_asks_for_confirmation(site: DashboardSite, tab: Tab) -> None:
    page = tab.page
    page.goto("/ui/history")
    page.get_by_label("Device").select_option("st-01")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(3)  # two recordings and the stream
    page.goto("/ui/history?device=st-77")
    expect(page.locator("main")).to_contain_text("No result passes this filter")
    page.get_by_role("link", name="All").click()
    page.locator("tbody a").first.click()
    page.wait_for_url("**/ui/recordings/*")  # with its script, which the button needs
    page.get_by_role("button", name="Delete this recording").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_review_is_saved_unless_it_was_changed_meanwhile_and_a_recording_is_deleted(
    site: DashboardSite, tab: Tab
) -> None:
    sent = requests.post(
        f"{site.url}/api/v1/recordings?model=heart2", files={"file": site.heart.read_bytes()}, timeout=30
    ).json()
    page, address = tab.page, f"/ui/recordings/{sent['recording_id']}?device=upload"
    recording = site.url + sent["links"]["recording"]
    page.goto(address)
    page.get_by_label("Note").fill("a clear heart")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#message")).to_have_text("✓ Saved: confirmed.")
    review = requests.get(recording, timeout=30).json()["review"]
    assert (review["verdict"], review["note"], review["version"]) == ("confirmed", "a clear heart", 1)
    review_address = recording.replace("?", "/review?")
    headers = {"If-Match": '"1"'}
    rejected = {"verdict": "rejected", "note": "noise"}
    assert requests.put(review_address, json=rejected, headers=headers, timeout=30).status_code == 200
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#message")).to_contain_text("Not saved: ")
    assert [fault for fault in tab.faults if "412" not in fault] == []
    tab.faults.clear()
    page.reload()
    page.get_by_role("button", name="Correct").click()
    expect(page.locator("#message")).to_have_text("⚠ Choose the right label first.")
    page.get_by_label("The right label").select_option("abnormal")
    page.get_by_role("button", name="Correct").click()
    expect(page.locator("#message")).to_contain_text("✓ Saved: corrected to ")
    page.reload()
    expect(page.locator(".corrected")).to_contain_text("Corrected by a reviewer to ! ")
    expect(page.get_by_text("All 3 reviews")).to_be_visible()
    page.goto("/?device=upload")
    expect(page.locator("#sounds .corrected").first).to_contain_text("to ! ", timeout=WITHIN_MS)
    page.goto("/ui/training")
    page.locator("#corrected-model").select_option("heart2")
    page.get_by_role("button", name="Hand over and retrain").click()
    said = "✓ New clips: 1, 1 held out"
    expect(page.locator("#corrections-message")).to_contain_text(said, timeout=WITHIN_MS)
    page.goto(address)
    page.get_by_role("button", name="Delete this recording").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("h1")).to_have_text("Deleted")
    assert requests.get(recording, timeout=30).status_code == 404
    assert not list(site.site.data_dir.rglob(f"*{sent['recording_id']}*"))


def test_the_next_recordings_of_a_device_are_of_whom_its_page_says(site: DashboardSite, tab: Tab) -> None:
    page = tab.page
    page.goto("/ui/devices/st-01")
    page.get_by_label("Pseudonym").fill("P-18")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("main")).to_contain_text("Recordings are now of P-18, until")
    site.play()
    newest = f"{site.url}/api/v1/results?device=st-01&limit=1&subject=P-18"
    wait_until(lambda: requests.get(newest, timeout=30).json()["items"] != [], "a recording of P-18")
    page.get_by_role("button", name="End now").click()
    expect(page.locator("main")).to_contain_text("Nobody is set.")
    requests.delete(f"{site.url}/api/v1/subjects/P-18", timeout=30)


def test_everything_of_a_subject_is_deleted_from_its_page(site: DashboardSite, tab: Tab) -> None:
    upload = f"{site.url}/api/v1/recordings?model=heart2&subject=P-17"
    sent = requests.post(upload, files={"file": site.heart.read_bytes()}, timeout=30).json()
    page = tab.page
    page.goto(f"/ui/recordings/{sent['recording_id']}?device=upload")
    page.get_by_role("link", name="P-17").click()
    page.wait_for_url("**/ui/subjects/P-17")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export everything (zip)").click()
    assert download.value.suggested_filename == "P-17.zip"
    for answer in ("Keep it", "Delete"):
        page.get_by_role("button", name="Delete everything of this subject").click()
        page.get_by_role("dialog").get_by_role("button", name=answer).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deleted")
    expect(page.locator("main")).to_contain_text("Recordings: 1.")
    assert requests.get(f"{site.url}/api/v1/subjects/P-17", timeout=30).status_code == 404


def test_e7_the_system_page_refreshes_without_reload(site: DashboardSite, tab: Tab) -> None:
    page = tab.page
    page.goto("/ui/system")
    page.evaluate("window.isFirst = true")
    page.locator("#parts h2").first.evaluate("heading => { heading.textContent = 'old' }")
    expect(page.locator("#parts h2").first).to_have_text("Parts", timeout=WITHIN_MS)
    expect(page.locator("#parts")).to_contain_text("Worker")
    assert page.evaluate("window.isFirst"), "the page was not loaded again"


def test_e8_uploads_of_one_exam_are_shown_on_the_chest(site: DashboardSite, tab: Tab) -> None:
    page = tab.page
    for position in ("AV", "MV"):
        page.goto("/ui/upload")
        page.locator("#file").set_input_files(site.heart)
        page.get_by_label("Where on the chest").select_option(position)
        page.get_by_label("Exam").fill("visit-7")
        page.get_by_role("button", name="Analyse").click()
        expect(page.locator("#summary")).to_have_text("1 of 1 done: 1 analysed, 0 not", timeout=WITHIN_MS)
    page.get_by_role("link", name="Exams").click()
    page.locator("td a", has=page.locator("time")).first.click()
    expect(page.locator("h1")).to_have_text("Exam")
    positions = page.locator(".position")
    states = [positions.nth(number).get_attribute("data-state") for number in range(4)]
    assert states[1:3] == ["missing", "missing"]
    assert "missing" not in (states[0], states[3])
    expect(page.get_by_role("img", name="PV: missing. TV: missing.")).to_be_visible()
    expect(page.locator(".hints")).to_contain_text("Missing: PV (pulmonary)")
    page.locator("td a").first.click()
    expect(page.locator("h1")).to_have_text("Recording")
    expect(page.get_by_role("link", name="visit-7")).to_be_visible()


def test_e7_a_form_changes_the_models_and_the_gate_of_a_device(site: DashboardSite, tab: Tab) -> None:
    page, message = tab.page, tab.page.locator("#message")

    def settings() -> dict[str, Any]:
        document: dict[str, Any] = requests.get(
            f"{site.url}/api/v1/devices/st-07/settings", timeout=30
        ).json()
        return {name: document[name] for name in ("models", "gate")}

    page.goto("/ui/devices/st-07")
    expect(message).to_have_text("The site defaults apply.")
    expect(page.locator("#others")).to_be_hidden()
    page.get_by_label("First model").select_option("esc50")
    page.get_by_label("Spoken digit").check()
    page.get_by_label("Split a stream into events").check()
    page.get_by_label("Threshold").fill("0.03")
    page.get_by_role("button", name="Save").click()
    expect(message).to_have_text("✓ Saved.")
    assert settings() == {"models": ["esc50", "digits"], "gate": {"on": True, "threshold": 0.03}}
    page.goto("/ui/devices")
    page.get_by_role("link", name="st-07").click()
    expect(page.get_by_label("First model")).to_have_value("esc50")
    expect(page.get_by_label("Spoken digit")).to_be_checked()
    page.get_by_role("button", name="Reset to the site defaults").click()
    expect(message).to_have_text("✓ Reset to the site defaults.")
    assert settings() == {"models": None, "gate": {"on": False, "threshold": None}}
    expect(page.locator("#others")).to_be_hidden()


@pytest.mark.parametrize("address", PAGES)
def test_the_keyboard_reaches_the_navigation_and_the_controls(tab: Tab, address: str) -> None:
    page = tab.page
    page.goto(address)
    reached, is_inside_main = [], False
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
        is_inside_main = is_inside_main or page.evaluate("document.activeElement.closest('main') !== null")
    assert reached[:10] == [
        "Skip to the content",
        "Overview",
        "History",
        "Exams",
        "Devices",
        "Record",
        "Upload",
        "Models",
        "Training",
        "System",
    ]
    assert is_inside_main


def test_no_page_is_wider_than_a_phone(site: DashboardSite, browser: Browser) -> None:
    upload_address = f"{site.url}/api/v1/recordings?exam=phone&site=AV"
    with site.heart.open("rb") as heart:
        assert requests.post(upload_address, files={"file": heart}, timeout=60).status_code == 201
    exam_address = "/ui/exams/phone"
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740})
    page = context.new_page()
    for address in (*PAGES, exam_address, "/ui/devices/st-01"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    context.close()
