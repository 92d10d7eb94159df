"""Answers on the pages, in a real browser: words and symbols, in its language, of models that disagree."""

import re
from collections.abc import Iterator

import pytest
import requests
from browser_site import WITHIN_MS, DashboardSite, Tab, chromium, require_chromium
from contradicting_models import write_contradicting_models
from playwright.sync_api import Browser, expect

from simulator.site.site import Site

RAW = re.compile(r"extrahls|extrastole|heart[25]\b|esc50|us8k|car_horn|air_conditioner|as the site")
"""Names for programs."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardSite]:
    require_chromium()
    models = write_contradicting_models(tmp_path_factory.mktemp("pairs") / "models")
    with Site(tmp_path_factory.mktemp("site"), {"STETHO_MODELS_DIR": str(models)}) as running:
        made = DashboardSite(running, tmp_path_factory.mktemp("sound"))
        made.play()
        yield made


@pytest.fixture(scope="module")
def browser(site: DashboardSite) -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en-GB", ("Abnormal", "! Needs attention", "The models disagree: Normal, Abnormal")),
        ("de-DE", ("Auffällig", "! Bitte beachten", "Die Modelle sind uneins: Normal, Auffällig")),
    ],
)
def test_one_answer_is_on_every_page_in_the_language_of_the_browser(
    site: DashboardSite, browser: Browser, language: str, words: tuple[str, str, str]
) -> None:
    answer, severity, contradiction = words
    context = browser.new_context(base_url=site.url, locale=language)
    tab = Tab(context.new_page(), site.url)
    page = tab.page
    try:
        page.goto("/")
        card = page.locator("#sounds .sound").first
        expect(card.locator("h3")).to_have_text(answer, timeout=WITHIN_MS)
        expect(card.locator(".severity")).to_contain_text(severity)
        expect(card.locator(".disagree")).to_contain_text(contradiction)
        assert "✓" not in (card.locator("h3").text_content() or "")
        for address, place in (("/ui/history", "tbody tr"), (_recording(site), ".sound.panel")):
            page.goto(address)
            shown = page.locator(place).first
            expect(shown.locator(".verdict")).to_have_text(answer)
            expect(shown.locator(".severity")).to_contain_text(severity)
            expect(shown.locator(".disagree")).to_contain_text(contradiction)
            expect(page.locator("main")).to_contain_text("✓ Normal")
            assert f"✓ {answer}" not in page.locator("main").inner_text()
        page.goto("/ui/devices")
        expect(page.locator("tbody")).to_contain_text(f"! {answer}")
    finally:
        context.close()
    assert tab.faults == []


def test_the_history_is_filtered_by_the_answer(site: DashboardSite, browser: Browser) -> None:
    context = browser.new_context(base_url=site.url, locale="en-GB")
    page = Tab(context.new_page(), site.url).page
    try:
        page.goto("/ui/history")
        page.get_by_label("Answer").select_option("finding")
        page.get_by_label("Sound", exact=True).select_option(label="Abnormal")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_label("Answer").select_option("none")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("main")).to_contain_text("No result passes this filter")
    finally:
        context.close()


def test_the_overview_works_without_the_names(site: DashboardSite, browser: Browser) -> None:
    context = browser.new_context(base_url=site.url, locale="en-GB")
    page = context.new_page()
    try:
        page.route("**/api/v1/labels", lambda route: route.fulfill(status=503, body="{}"))
        page.goto("/")
        card = page.locator("#sounds .sound").first
        expect(card.locator("h3")).to_have_text("Abnormal", timeout=WITHIN_MS)
        expect(card.locator(".severity")).to_contain_text("! Needs attention")
    finally:
        context.close()


def test_no_page_shows_names_that_are_for_programs(site: DashboardSite, browser: Browser) -> None:
    context = browser.new_context(base_url=site.url, locale="en-GB")
    page = Tab(context.new_page(), site.url).page
    try:
        for address in (
            *("/", "/ui/history", "/ui/devices", "/ui/devices/st-01", "/ui/upload", "/ui/training"),
            *("/ui/models", _recording(site)),
        ):
            page.goto(address)
            page.wait_for_load_state("networkidle") if address != "/" else expect(
                page.locator("#sounds .sound")
            ).to_have_count(1, timeout=WITHIN_MS)
            found = RAW.findall(page.locator("main").inner_text())
            assert found == [], (address, found)
    finally:
        context.close()


def _recording(site: DashboardSite) -> str:
    (result,) = requests.get(f"{site.url}/api/v1/results?limit=1", timeout=10).json()["items"]
    return f"/ui/recordings/{result['recording_id']}?device=st-01"
