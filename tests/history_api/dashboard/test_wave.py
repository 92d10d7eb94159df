"""The interactive wave of a recording, in a real browser: marks, keyboard, zoom, paper."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import pytest
import wav_files
from archive import Archive
from axe_playwright_python.sync_playwright import Axe
from browser_site import Tab, chromium, require_chromium
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from edge_worker.protocol.result import HeartSounds
from history_api.application import create_app

RATE: Final = 4000
STREAM: Final = "/ui/recordings/0000000000000001?device=st-01"
GONE: Final = "/ui/recordings/0000000000000002?device=st-01"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an API with the last 5 of 20 s of a stream, and a recording whose audio is gone."""
    archive = Archive(tmp_path_factory.mktemp("archive"))
    gaps = ((17 * RATE, 18 * RATE),)
    result = archive.add(1, is_analysed=False, missing=gaps)
    seconds = (14.0, 15.5, 16.5, 19.0)  # the first is of what is not kept
    sounds = HeartSounds(seconds, tuple(each + 0.3 for each in seconds))
    archive.save(replace(result, heart_sounds=sounds, missing=gaps))
    audio = archive.settings.data_dir / "audio/st-01"
    samples = 8000 * np.sin(2 * np.pi * 60 * np.arange(5 * RATE) / RATE)
    wav_files.write(audio / "0000000000000001.wav", samples.astype("<i2").tobytes(), RATE, 1)
    archive.keep_end(1, samples=20 * RATE, audio_start=15 * RATE)
    archive.add(2)
    (audio / "0000000000000002.wav").unlink()
    server = make_server("127.0.0.1", 0, create_app(archive.settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require_chromium()
    with chromium() as started:
        yield started


@pytest.fixture
def page(url: str, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=url, viewport={"width": 390, "height": 844})
    tab = Tab(context.new_page(), url)
    yield tab.page
    context.close()
    assert [each for each in tab.faults if not each.startswith("Failed to load resource")] == []


def test_the_wave_has_marks_an_axis_and_a_play_head_that_the_keyboard_moves(page: Page) -> None:
    page.goto(STREAM)
    slider = page.get_by_role("slider", name="Position in the sound")
    marks = page.locator("#wave-view [part~=mark]")
    expect(marks).to_have_text(["S1"] * 3 + ["S2"] * 3)
    expect(page.locator("#wave-view [part~=gap]")).to_have_attribute(
        "title", "no sound from 17.00 to 18.00 s"
    )
    expect(page.locator("#wave-view [part~=tick]").first).to_have_text("15 s")
    assert float(marks.nth(1).evaluate("mark => parseFloat(mark.style.left)")) == pytest.approx(30)
    expect(page.locator("#wave-time")).to_have_text("15.00 s of 20.00 s")
    slider.press("ArrowRight")
    slider.press("Shift+ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "16.10 s")
    slider.press("End")
    slider.press("ArrowLeft")
    expect(page.locator("#wave-time")).to_have_text("19.90 s of 20.00 s")
    slider.press("Home")
    slider.press(" ")
    audio = page.locator("#recording audio")
    expect(audio).to_have_js_property("paused", value=False)
    assert page.locator("audio").count() == 1, "one player"
    slider.press(" ")
    expect(audio).to_have_js_property("paused", value=True)


def test_the_wave_is_zoomed_and_its_page_stays_as_wide_as_a_phone(page: Page) -> None:
    page.goto(STREAM)
    ticks = page.locator("#wave-view [part~=tick]")
    expect(ticks.first).to_be_visible()
    few = ticks.count()
    page.get_by_role("button", name="Zoom in").click(click_count=4)
    slider = page.get_by_role("slider")
    expect(slider).to_have_js_property("scrollLeft", 0)
    wide = "each => each.scrollWidth > 4 * each.clientWidth"
    page.wait_for_function(
        f"({wide})(document.querySelector('#wave-view > div').shadowRoot.querySelector('.scroll'))"
    )
    assert ticks.count() > 3 * few
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for _ in range(9):
        slider.press("-")
    expect(ticks).to_have_count(few)


def test_paper_has_the_picture_and_so_has_a_page_without_the_numbers(page: Page) -> None:
    page.goto(STREAM)
    picture = page.get_by_role("img", name="Waveform")
    expect(page.locator("#wave")).to_be_visible()
    expect(picture).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator("#wave")).to_be_hidden()
    expect(picture).to_be_visible()
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 0
    page.emulate_media(media="screen")
    page.route("**/peaks.json*", lambda route: route.abort())
    page.reload()
    expect(picture).to_be_visible()
    expect(page.locator("#wave")).to_be_hidden()
    page.goto(GONE)
    expect(page.locator("#wave")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_where_it_is_zoomed(
    url: str, browser: Browser, scheme: Literal["dark", "light"]
) -> None:
    context = browser.new_context(base_url=url, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    page = context.new_page()
    page.goto(STREAM)
    page.get_by_role("button", name="Zoom in").click(click_count=4)
    page.get_by_role("slider").focus()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()
