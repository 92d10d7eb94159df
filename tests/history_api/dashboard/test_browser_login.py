"""Sign-in and the end of a session, in a real browser."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from archive import Archive
from browser_site import WITHIN_MS, chromium, require_chromium
from playwright.sync_api import expect
from werkzeug.serving import make_server

from edge_worker.database.access.api_key import ApiKeys
from history_api.application import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


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


def below(prefix: str, app: "WSGIApplication") -> "WSGIApplication":
    """Return an application that serves `app` below a prefix, as a proxy does."""

    def proxy(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(f"{prefix}/"):
            start_response("404 Not Found", [])
            return [b""]
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix)
        environ["HTTP_X_INGRESS_PATH"] = prefix
        environ["HTTP_AUTHORIZATION"] = "Bearer of-the-proxy"
        return app(environ, start_response)

    return proxy


def test_a_user_works_below_the_prefix_of_a_proxy(tmp_path: Path) -> None:
    require_chromium()
    archive = Archive(tmp_path)
    archive.add(1)
    api_keys = ApiKeys(archive.settings.database)
    key = api_keys.add("ann", "admin")
    api_keys.close()
    prefix = "/api/hassio_ingress/token"
    app = create_app(replace(archive.settings, api_auth="keys", api_proxy=1))
    server = make_server("127.0.0.1", 0, below(prefix, app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(WITHIN_MS)
        lost: list[str] = []
        page.on("response", lambda answer: lost.append(answer.url) if answer.status == 404 else None)
        page.goto(f"{url}{prefix}/")
        page.get_by_label("Your key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#sounds .sound")).to_have_count(1, timeout=WITHIN_MS)
        expect(page.locator("#connection")).to_contain_text("live", timeout=WITHIN_MS)
        page.locator("#sounds .sound a").first.click()
        page.wait_for_url("**/ui/recordings/*")  # with its script, which the button needs
        page.get_by_role("button", name="✓ Confirm").click()
        expect(page.locator("#message")).to_contain_text("Saved")
        page.get_by_role("link", name="History").click()
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{url}{prefix}/login")
        assert [each for each in lost if not each.endswith("/favicon.ico")] == []
    server.shutdown()
