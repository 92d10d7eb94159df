"""The page that shows the OpenAPI document, in a real browser, and the vendored files."""

import hashlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from archive import Archive
from axe_playwright_python.sync_playwright import Axe
from browser_site import Tab, chromium, require_chromium
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server

from history_api import openapi_document
from history_api.application import create_app

VENDORED = Path(__file__).parents[3] / "history_api" / "dashboard" / "vendored"
OF_THE_VIEWER = {rule: {"enabled": False} for rule in ("heading-order", "region")}
"""Its headings leave out a level, and parts of it are in no landmark."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    archive = Archive(tmp_path_factory.mktemp("archive"))
    archive.add(1)
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


def test_the_document_is_shown_by_tags_and_requests_can_be_tried(url: str, browser: Browser) -> None:
    context = browser.new_context(base_url=url)
    tab = Tab(context.new_page(), url)
    page = tab.page
    page.goto("/ui/history")
    page.get_by_role("link", name="Programming interface").click()
    tags = page.locator("h3.opblock-tag")
    expect(tags).to_have_count(len(openapi_document.DOCUMENT["tags"]))
    tags.first.click()
    page.locator("#operations-Results-results button").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    context.close()
    assert tab.faults == [], "the policy stops nothing, and nothing comes from another host"


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_fits_a_phone_and_is_dark_in_the_dark(
    url: str, browser: Browser, width: int, scheme: Literal["dark", "light"]
) -> None:
    context = browser.new_context(
        base_url=url, viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto("/docs")
    expect(page.locator("h3.opblock-tag").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    found = Axe().run(page, options={"rules": OF_THE_VIEWER})
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_vendored_files_are_those_of_the_table_with_their_licences() -> None:
    table = (VENDORED / "README.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    files = {path.name: path for path in VENDORED.iterdir() if path.suffix in (".js", ".css")}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == named
    texts = {path.name for path in VENDORED.glob("*.txt")}
    assert texts == set(re.findall(r"`([^`]+\.txt)`", table))
