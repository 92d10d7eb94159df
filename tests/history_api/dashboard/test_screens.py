"""What a person sees on the pages, in a real browser: on a phone, on a desk, in the dark."""

from collections.abc import Iterator
from typing import Final, Literal

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from browser_site import WITHIN_MS, DashboardSite, Tab, chromium, require_chromium
from playwright.sync_api import Browser, Page, ViewportSize, expect

from simulator.site.site import Site

PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
DESK: Final[ViewportSize] = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardSite]:
    require_chromium()
    with Site(tmp_path_factory.mktemp("site")) as running:
        made = DashboardSite(running, tmp_path_factory.mktemp("sound"))
        made.play()
        address = f"{made.url}/api/v1/recordings?model=heart2"
        assert requests.post(address, files={"file": made.heart.read_bytes()}, timeout=60).status_code < 300
        yield made


@pytest.fixture(scope="module")
def browser(site: DashboardSite) -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def phone(site: DashboardSite, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport=PHONE, timezone_id="Asia/Tokyo")
    tab = Tab(context.new_page(), site.url)
    yield tab.page
    context.close()
    assert tab.faults == []


def recording(site: DashboardSite) -> str:
    (result,) = requests.get(f"{site.url}/api/v1/results?limit=1", timeout=10).json()["items"]
    return f"/ui/recordings/{result['recording_id']}?device={result['device_id']}"


def test_a_phone_has_a_menu_that_the_keyboard_opens(phone: Page, site: DashboardSite) -> None:
    phone.goto(recording(site))
    expect(phone.get_by_role("link", name="Exams")).to_be_hidden()
    phone.get_by_role("button", name="Menu").press("Enter")
    current = phone.locator("nav [aria-current]")
    expect(current).to_have_text("History")
    phone.get_by_role("link", name="Exams").press("Enter")
    expect(phone.locator("h1")).to_have_text("Exams")


def test_nothing_of_the_past_stands_beside_no_recording(phone: Page) -> None:
    phone.goto("/")
    expect(phone.locator("#sounds .sound")).to_have_count(2, timeout=WITHIN_MS)
    expect(phone.locator("#source")).to_have_text("no recording in progress")
    expect(phone.locator("#rate")).to_have_text("–")


def test_times_are_local_with_utc_as_title_and_say_how_long_ago(phone: Page, site: DashboardSite) -> None:
    phone.goto("/ui/history")
    time = phone.locator("td time").first
    expect(time).to_contain_text("ago")
    utc = time.get_attribute("title") or ""
    assert utc.endswith(" UTC")
    hour = (int(utc[11:13]) + 9) % 24
    shown = time.text_content() or ""
    assert f"{hour:02}:{utc[14:16]}" in shown or f"{hour % 12 or 12}:{utc[14:16]}" in shown
    text = requests.get(f"{site.url}/ui/history", headers={"Accept": "text/html"}, timeout=10).text
    assert f">{utc}</time>" in text, "without scripts UTC is readable"


def test_tables_keep_their_headers_and_rows_share_one_player(phone: Page) -> None:
    phone.goto("/ui/history")
    cell = phone.locator("tbody td").nth(1)
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Device"'
    assert phone.locator("audio").count() == 1
    expect(phone.locator(".player")).to_be_hidden()
    for row in (0, 1):
        phone.locator("a.play").nth(row).click()
        expect(phone.locator(".player")).to_be_visible()
        title = phone.locator("a.play").nth(row).get_attribute("data-title")
        expect(phone.locator(".player .title")).to_have_text(title or "")
    expect(phone.locator("audio")).to_have_js_property("readyState", 4)


def test_a_card_has_its_spectrogram_and_a_play_button(phone: Page) -> None:
    phone.goto("/")
    card = phone.locator("#sounds .sound").first
    expect(card.locator("a.play")).to_contain_text("▶ Play", timeout=WITHIN_MS)
    card.locator(".cut img").scroll_into_view_if_needed()
    expect(card.locator(".cut img")).to_have_js_property("naturalWidth", 808)


def test_a_picture_fits_and_opens_large(phone: Page, site: DashboardSite) -> None:
    phone.goto(recording(site))
    link = phone.locator("a.picture", has=phone.get_by_alt_text("Spectrogram"))
    link.scroll_into_view_if_needed()
    expect(link.locator("img")).to_have_js_property("complete", True)
    assert link.evaluate("link => link.getBoundingClientRect().right") <= PHONE["width"]
    link.click()
    large = phone.locator("dialog.large img")
    expect(large).to_be_visible()
    assert large.evaluate("image => image.getBoundingClientRect().width") >= 800
    phone.get_by_role("button", name="Close").click()
    expect(large).to_be_hidden()


def test_an_answer_stands_beside_its_button_and_deletion_looks_dangerous(
    phone: Page, site: DashboardSite
) -> None:
    phone.goto(recording(site))
    button = phone.get_by_role("button", name="Confirm")
    button.click()
    message = phone.locator("#message")
    expect(message).to_have_text("✓ Saved: confirmed.")
    button_end = button.evaluate("each => each.getBoundingClientRect().bottom")
    assert 0 <= message.evaluate("each => each.getBoundingClientRect().top") - button_end < 40
    soft = phone.locator("main").evaluate("each => getComputedStyle(each).color")
    assert message.evaluate("each => getComputedStyle(each).color") == soft, "no warning"
    delete = phone.get_by_role("button", name="Delete this recording")
    assert delete.evaluate("each => getComputedStyle(each).color") != soft
    delete.click()
    expect(phone.get_by_role("dialog")).to_contain_text("deleted for good")
    phone.get_by_role("button", name="Keep it").click()


def test_models_are_a_table_with_their_details_folded(site: DashboardSite, browser: Browser) -> None:
    context = browser.new_context(base_url=site.url, viewport=DESK, color_scheme="dark")
    page = Tab(context.new_page(), site.url).page
    page.goto("/ui/models")
    assert page.evaluate("document.documentElement.scrollHeight") < 3000, "it was 11,500"
    expect(page.locator("details[open]")).to_have_count(0)
    page.locator("tbody a").first.click()
    expect(page.locator("details[open]")).to_have_count(1)
    dark = "each => getComputedStyle(each).filter"
    assert "invert" in page.locator("figure img").first.evaluate(dark), "pictures are dark in the dark"
    context.close()


@pytest.mark.parametrize(
    ("viewport", "scheme", "language"), [(PHONE, "dark", "de-DE"), (DESK, "light", "en-GB")]
)
def test_axe_finds_nothing_on_any_page(
    site: DashboardSite,
    browser: Browser,
    viewport: ViewportSize,
    scheme: Literal["dark", "light"],
    language: str,
) -> None:
    address = f"{site.url}/api/v1/recordings?exam=visit&site=AV&subject=P-17"
    assert requests.post(address, files={"file": site.heart.read_bytes()}, timeout=60).status_code < 300
    context = browser.new_context(
        base_url=site.url,
        viewport=viewport,
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",  # a card that appears has less contrast while it does
        bypass_csp=True,  # the policy would stop axe
    )
    page = context.new_page()
    devices = ("/ui/devices", "/ui/devices/st-01")
    exams = ("/ui/exams", "/ui/exams/visit?device=upload")
    own = (
        "/ui/record",
        "/ui/subjects",
        "/ui/subjects/P-17",
        "/ui/upload",
        "/ui/models",
        "/ui/agreement",
        "/ui/training",
        "/ui/system",
        "/ui/upkeep",
        "/ui/notifications",
        "/login",
        "/nothing",
    )
    for each in ("/", "/ui/history", recording(site), *exams, *devices, *own):
        page.goto(each)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found = Axe().run(page)
        assert found.violations_count == 0, (each, found.generate_report())
    context.close()
