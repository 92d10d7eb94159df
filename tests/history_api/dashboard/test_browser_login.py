"""Sign-in and the end of a session, in a real browser."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from archive import Archive
from browser_site import WITHIN_MS, chromium, require_chromium
from playwright.sync_api import expect
from werkzeug.serving import make_server

from edge_worker.database.access.api_key import ApiKeys
from history_api.application import create_app


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of an API that requires keys, and a key."""
    archive = Archive(tmp_path)
    archive.add(1)
    api_keys = ApiKeys(archive.settings.database)
    key = api_keys.add("ann", "admin")
    api_keys.close()
    app = create_app(replace(archive.settings, api_auth="keys"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", key
    server.shutdown()
    thread.join()


def test_a_user_signs_in_and_an_ended_session_leads_to_the_login(guarded: tuple[str, str]) -> None:
    require_chromium()
    url, key = guarded
    with chromium() as browser:
        page = browser.new_context(base_url=url).new_page()
        page.set_default_timeout(WITHIN_MS)
        page.goto("/")
        expect(page).to_have_url(f"{url}/login")
        page.get_by_label("Your key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#sounds .sound")).to_have_count(1, timeout=WITHIN_MS)
        expect(page.locator("header")).to_contain_text("ann")
        page.get_by_role("link", name="Training").click()
        expect(page.locator("#state")).to_contain_text("idle", timeout=WITHIN_MS)
        page.context.clear_cookies()
        expect(page).to_have_url(f"{url}/login", timeout=WITHIN_MS)
