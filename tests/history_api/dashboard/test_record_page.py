"""Recording in a real browser, whose microphone plays a file, through API, broker, worker to the result."""

import wave
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from browser_site import WITHIN_MS, DashboardSite, Tab, chromium, fake_microphone, require_chromium
from playwright.sync_api import Browser, Page, Route, expect

from edge_worker.protocol.meaning import LANGUAGES
from history_api.dashboard import record_words
from simulator.site.site import Site

ADDRESS: Final = "/ui/record"
FAIL: Final = """name => {
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", name); };
}"""
MUTE: Final = """() => {
  const context = new AudioContext();
  navigator.mediaDevices.getUserMedia = async () => context.createMediaStreamDestination().stream;
}"""
UNPLUG: Final = """() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    window.track = wanted;
    const stream = await ask(wanted);
    window.unplug = () => stream.getAudioTracks()[0].dispatchEvent(new Event("ended"));
    return stream;
  };
}"""
INSECURE: Final = "Object.defineProperty(window, 'isSecureContext', { value: false })"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardSite]:
    require_chromium()
    with Site(tmp_path_factory.mktemp("site")) as running:
        yield DashboardSite(running, tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def browser(site: DashboardSite) -> Iterator[Browser]:
    with chromium(*fake_microphone(site.heart)) as started:
        yield started


@pytest.fixture
def page(site: DashboardSite, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        base_url=site.url, locale="en-GB", viewport={"width": 390, "height": 844}, permissions=["microphone"]
    )
    tab = Tab(context.new_page(), site.url)
    open_page(tab.page)
    yield tab.page
    context.close()
    assert [each for each in tab.faults if not each.startswith("Failed to load resource")] == []


def open_page(page: Page) -> None:
    page.goto(ADDRESS)
    expect(page.locator("#start")).to_be_enabled()


def record(page: Page, seconds: int = 5) -> None:
    page.get_by_label("Length").select_option(str(seconds))
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#message")).to_have_text(f"Recording {seconds} s.", timeout=WITHIN_MS)


def test_a_heart_is_recorded_sent_and_answered_on_the_page(site: DashboardSite, page: Page) -> None:
    page.get_by_label("Name of this device").fill("phone-anna")
    page.get_by_label("Where on the chest").select_option("MV")
    page.get_by_label("Whose sound").fill("P-0042")
    page.get_by_label("Exam").fill("visit-9")
    record(page)
    assert float(page.locator("#level").evaluate("meter => meter.value")) > -60
    assert int(page.locator("#countdown").text_content() or "0") in range(1, 6)
    item = page.locator("#recordings li").first
    expect(item.locator(".sound")).to_be_visible(timeout=WITHIN_MS)
    item.get_by_role("link", name="Open the recording").click()
    expect(page.locator("h1")).to_have_text("Recording")
    recording = page.url.split("/")[-1].split("?")[0]
    entry = requests.get(f"{site.url}/api/v1/recordings/{recording}?device=phone-anna", timeout=30).json()
    assert entry["meta"]["site"] == "MV"
    assert (entry["meta"]["subject"], entry["meta"]["exam"]) == ("P-0042", "visit-9")
    assert entry["captured_at_source"] == "device", "the time is that of the recording, not of the upload"
    assert (entry["audio"]["duration_s"], entry["audio"]["channels"]) == (5.0, 1)
    assert entry["audio"]["sample_rate"] == page.evaluate("new AudioContext().sampleRate")
    assert 70 < entry["result"]["heart_rate_bpm"] < 74, "that of the file that the microphone plays"
    page.goto(ADDRESS)
    expect(page.get_by_label("Name of this device")).to_have_value("phone-anna")  # remembered on this phone


def test_without_network_the_recording_is_kept_can_be_saved_and_is_sent_once(
    site: DashboardSite, page: Page
) -> None:
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route.request.url)
        route.fetch()  # the server takes it, and its answer gets lost
        return route.abort("internetdisconnected")

    page.route("**/api/v1/recordings?*", lose_the_first)
    device = page.get_by_label("Name of this device").input_value()
    assert device.startswith("phone-")
    page.get_by_label("Listen for").select_option(label="Everyday sound")
    expect(page.get_by_label("Where on the chest")).to_be_hidden()
    record(page, 3)
    item = page.locator("#recordings li").first
    page.context.set_offline(True)
    expect(item).to_contain_text("the server cannot be reached. It is kept on this page", timeout=WITHIN_MS)
    with page.expect_download() as download:
        item.get_by_role("link", name="Download").click()
    with wave.open(BytesIO(Path(download.value.path()).read_bytes())) as sound:
        assert sound.getnframes() == 3 * sound.getframerate()
        assert any(sound.readframes(sound.getnframes()))
    page.context.set_offline(False)
    expect(item.locator(".sound")).to_be_visible(timeout=WITHIN_MS)
    assert len(lost) == 1
    (found,) = requests.get(f"{site.url}/api/v1/results?device={device}", timeout=30).json()["items"]
    assert found["file_name"] == download.value.suggested_filename
    assert [each["model"] for each in found["models"]] == ["esc50"]


def test_each_obstacle_is_told_in_a_sentence_that_says_what_to_do(page: Page) -> None:
    message = page.locator("#message")
    for fault, words in (
        ("NotAllowedError", "allow it for this page in the settings of the browser"),
        ("NotFoundError", "There is no microphone: connect one"),
        ("NotReadableError", "close other programs that use it"),
    ):
        page.evaluate(FAIL, fault)
        page.get_by_role("button", name="Record").click()
        expect(message).to_contain_text(words)
        expect(message).to_have_class("refusal")
        expect(page.get_by_role("button", name="Record")).to_be_focused()
    expect(page.locator("#recordings li")).to_have_count(0)
    page.add_init_script(INSECURE)
    page.goto(ADDRESS)
    expect(message).to_contain_text("open this page by an https address")
    expect(page.get_by_role("button", name="Record")).to_be_disabled()


def test_silence_and_what_is_too_short_are_not_sent_but_can_be_saved(page: Page) -> None:
    first = page.locator("#recordings li").first
    page.get_by_role("button", name="Record").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#message")).to_have_text("Stopped before it began.")
    expect(page.locator("#recordings li")).to_have_count(0)
    record(page, 60)
    page.get_by_role("button", name="Stop").click()
    expect(first).to_contain_text("too short to tell anything: record at least 1 s")
    expect(first.get_by_role("link", name="Download")).to_be_visible()
    page.evaluate(MUTE)
    record(page, 3)
    expect(page.locator("#recordings li")).to_have_count(2, timeout=WITHIN_MS)
    expect(first).to_contain_text("the microphone gave silence only")


def test_a_microphone_that_stops_a_refusal_and_an_ended_session_lose_nothing(
    site: DashboardSite, page: Page
) -> None:
    first = page.locator("#recordings li").first
    page.route("**/api/v1/recordings?*", lambda route: route.fulfill(status=401, body="{}"))
    page.evaluate(UNPLUG)
    page.get_by_label("Name of this device").fill("phone-refused")
    page.get_by_label("Whose sound").fill("Anna-Miller-1")
    record(page, 60)
    asked = page.evaluate("window.track.audio")
    assert {asked[name] for name in ("echoCancellation", "noiseSuppression", "autoGainControl")} == {False}
    expect(page.locator("#countdown")).to_have_text("58", timeout=WITHIN_MS)
    page.evaluate("window.unplug()")
    expect(page.locator("#message")).to_contain_text("The microphone stopped early")
    expect(first).to_contain_text("you are signed out: sign in on another page", timeout=WITHIN_MS)
    assert first.get_by_role("link", name="Sign in").get_attribute("target") == "_blank"
    page.unroute("**/api/v1/recordings?*")
    first.get_by_role("button", name="Send again").click()
    expect(first).to_contain_text("Not taken: subject: this has what looks like a name", timeout=WITHIN_MS)
    page.get_by_label("Whose sound").fill("P-7")
    first.get_by_role("button", name="Send with what is chosen above").click()
    expect(first.locator(".sound")).to_be_visible(timeout=WITHIN_MS)
    (found,) = requests.get(f"{site.url}/api/v1/results?device=phone-refused", timeout=30).json()["items"]
    assert found["subject"] == "P-7"


def test_this_page_alone_may_use_the_microphone_and_speaks_german(
    site: DashboardSite, browser: Browser
) -> None:
    def policy(address: str) -> str:
        return requests.get(site.url + address, timeout=30).headers["Permissions-Policy"]

    assert "microphone=(self)" in policy(ADDRESS)
    assert {
        "microphone=()" in policy(each) for each in ("/ui/upload", "/ui/history", "/livez", "/ui/none")
    } == {True}
    context = browser.new_context(
        base_url=site.url,
        locale="de-DE",
        color_scheme="dark",
        viewport={"width": 360, "height": 740},
        bypass_csp=True,
    )
    page = context.new_page()
    open_page(page)
    expect(page.locator("h1")).to_have_text("Aufnehmen")
    assert page.locator("main").get_attribute("lang") == "de"
    page.locator("#stop, #countdown, #meter, #microphones").evaluate_all(
        "all => all.forEach(each => { each.hidden = false })"
    )
    page.locator("#start").evaluate("each => { each.hidden = true }")
    page.locator("#message").evaluate("each => { each.textContent = 'Aufnahme'; each.className = 'refusal' }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_all_words_are_in_all_languages() -> None:
    texts = {language: record_words.record_words(language) for language in LANGUAGES}
    assert len({len(each) for each in texts.values()}) == 1
    for name, text in texts["en"].items():
        others = [each[name] for language, each in texts.items() if language != "en"]
        assert all(each.count("{}") == text.count("{}") for each in others), name
        assert text not in others, name
