"""Buttons that command a device: from a real browser to the firmware as a Linux program, and back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_site import WITHIN_MS, DashboardSite, Tab, chromium, require_chromium
from playwright.sync_api import Browser, expect
from stethoscope import READY, Stethoscope, heart, program

from simulator.site.site import Site

pytestmark = pytest.mark.timeout(600)  # the first one builds
PAGE = "/ui/devices/st-01"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardSite]:
    require_chromium()
    program()
    with Site(tmp_path_factory.mktemp("site")) as running:
        yield DashboardSite(running, tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def browser(site: DashboardSite) -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_a_button_is_obeyed_by_the_device_and_its_answer_stands_beside_it(
    site: DashboardSite, browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(base_url=site.url, locale="en-GB")
    tab = Tab(context.new_page(), site.url)
    page = tab.page
    page.goto(PAGE)
    identify, record, stop, restart = (
        page.locator("#remote").get_by_role("button", name=name)
        for name in ("Identify", "Record", "Stop", "Restart")
    )
    expect(page.locator("#fault")).to_contain_text("This device is not connected: switch it on")
    for button in (identify, record, stop, restart):
        expect(button).to_be_disabled()
    with Stethoscope(site.site, site.device, "--audio", str(heart(tmp_path, 4_000, 60))) as device:
        device.wait_for(READY)
        expect(identify).to_be_enabled(timeout=WITHIN_MS)
        expect(page.locator("#fault")).to_have_text("")
        identify.click()
        expect(page.locator("#answer-identify")).to_have_text("✓ Its display says who it is for ten seconds.")
        shown = device.wait_for("IT IS ME")
        page.get_by_label("Length, s").fill("30")
        record.click()
        expect(page.locator("#answer-record")).to_have_text("✓ The device records.")
        expect(page.locator("#state")).to_have_text("◉ recording", timeout=WITHIN_MS)
        device.wait_for(r"RECORDING +[1-9]\d*\.\d", shown)
        record.click()
        expect(page.locator("#answer-record")).to_have_text("⚠ The device refuses: it is recording already.")
        stop.click()
        expect(page.locator("#answer-stop")).to_have_text("✓ The recording has ended.")
        device.wait_for_result()
        ended = len(device.display)
        restart.click()
        page.get_by_role("button", name="Leave it running").click()
        expect(page.locator("#answer-restart")).to_have_text("")
        restart.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Restart this device?")
        dialog.get_by_role("button", name="Restart").click()
        expect(page.locator("#answer-restart")).to_contain_text("✓ The device restarts")
        device.wait_for(READY, ended)
        expect(page.locator("#state")).to_have_text("● online", timeout=WITHIN_MS)
        device.say("quit")
    expect(stop).to_be_disabled(timeout=WITHIN_MS)
    context.close()
    assert tab.faults == []


def test_the_buttons_speak_german(site: DashboardSite, browser: Browser) -> None:
    context = browser.new_context(base_url=site.url, locale="de-DE")
    tab = Tab(context.new_page(), site.url)
    tab.page.goto(PAGE)
    expect(tab.page.locator("#remote h2")).to_have_text("Fernbedienung")
    expect(tab.page.get_by_role("button", name="Aufnehmen")).to_be_disabled()
    expect(tab.page.locator("#fault")).to_contain_text("nicht verbunden")
    context.close()
    assert tab.faults == []
