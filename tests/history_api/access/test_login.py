"""Browser sessions: the login form, the cookie, logout, and requests from other sites."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from archive import Api, Archive, assert_documented, problem, stop_clock
from flask import Response, g
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from edge_worker.database.access.api_key import ApiKeys, digest
from edge_worker.database.access.browser_session import LIFETIME, MOST_PER_KEY, BrowserSessions
from edge_worker.database.engine import connect
from edge_worker.database.schema import browser_sessions
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.database.store import Store
from history_api import openapi_document
from history_api.__main__ import main
from history_api.access.role import with_roles
from history_api.access.session import COOKIE
from history_api.openapi.operation import operation
from history_api.settings import ApiSettings

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

OWN = {"Origin": "http://localhost"}
FOREIGN = {"Origin": "http://evil.example"}


class Browser:
    """A client with cookies, of an API that requires keys."""

    def __init__(self, directory: Path) -> None:
        self.settings = settings = replace(Archive(directory).settings, api_auth="keys")
        self.api_keys = ApiKeys(settings.database)
        self.key = self.api_keys.add("ann", "operator")
        self.api = Api(settings)
        stop_clock(self.api)
        self.client = self.api.client

    def login(self, key: str, headers: dict[str, str] | None = None, **more: object) -> TestResponse:
        answer = self.client.post("/login", data={"key": key}, headers=headers or OWN, **more)
        assert_documented(answer, "/login", "POST")
        return answer

    @property
    def cookie(self) -> str:
        """The cookie of the session."""
        cookie = self.client.get_cookie(COOKIE)
        assert cookie is not None
        return cookie.value

    @property
    def name(self) -> str | None:
        """The name of the principal, None where there is none."""
        answer = self.client.get("/api/v1/me")
        return str(answer.get_json()["name"]) if answer.status_code == 200 else None


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


def test_login_begins_a_session_and_logout_ends_it(browser: Browser) -> None:
    assert browser.name is None
    answer = browser.login(browser.key)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.name == "ann"
    left = browser.client.post("/logout", headers=OWN)
    assert_documented(left, "/logout", "POST")
    assert left.headers["Location"] == "/login"
    assert browser.name is None


def test_the_cookie_is_httponly_samesite_and_secure_over_https(browser: Browser) -> None:
    cookie = browser.login(browser.key).headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for flag in ("HttpOnly", "SameSite=Strict", "Max-Age=43200", "Path=/"):
        assert flag in cookie
    assert "Secure" not in cookie
    assert browser.key not in cookie
    https = browser.login(browser.key, {"Origin": "https://localhost"}, base_url="https://localhost")
    assert "Secure" in https.headers["Set-Cookie"]


def test_a_wrong_key_is_answered_with_the_form_and_401(browser: Browser) -> None:
    answer = browser.login("<script>alert(1)</script>")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 401
    assert 'role="alert"' in page
    assert "script" not in page
    assert "Set-Cookie" not in answer.headers
    assert browser.name is None


def test_wrong_keys_in_the_form_are_limited(browser: Browser) -> None:
    assert [browser.login("wrong").status_code for _ in range(11)] == [401] * 10 + [429]
    assert browser.login(browser.key).status_code == 303


def test_the_form_is_plain_html_without_script(browser: Browser) -> None:
    page = browser.client.get("/login").get_data(as_text=True)
    assert '<label for="key">' in page
    assert '<html lang="en">' in page
    assert "not a medical device" in page
    assert "<script" not in page
    assert "style=" not in page


def test_a_removed_key_ends_its_sessions(browser: Browser) -> None:
    browser.login(browser.key)
    browser.api_keys.remove("ann")
    assert browser.name is None
    browser.api_keys.add("eve", "admin")  # SQLite gives it the same id
    assert browser.name is None


def test_a_session_ends_at_its_time_and_cannot_be_forged(browser: Browser) -> None:
    key = browser.api_keys.find(digest(browser.key))
    assert key is not None
    late = BrowserSessions(browser.settings.database, timedelta(seconds=-1)).begin(key)
    cookie = BrowserSessions(browser.settings.database).begin(key)
    for wrong in ("", "x", late, digest(cookie), key.digest, cookie[:-1], "ö"):
        browser.client.set_cookie(COOKIE, wrong)
        assert browser.name is None
    browser.client.set_cookie(COOKIE, cookie)
    assert browser.name == "ann"


def test_a_clock_that_jumps_ends_no_session_and_makes_none_longer(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = browser.api_keys.find(digest(browser.key))
    assert key is not None
    sessions = BrowserSessions(browser.settings.database)
    Store.open(browser.settings.database).clock.check()
    before = sessions.begin(key)
    true = ClockReading.now
    for wrong_s in (110.0, 2_085_978_496.0):
        monkeypatch.setattr(ClockReading, "now", lambda wrong_s=wrong_s: replace(true(), wall_s=wrong_s))
        meanwhile = sessions.begin(key)
        assert sessions.find(before) == sessions.find(meanwhile) == key
    later = true()
    hours_s = 13 * 3600
    monkeypatch.setattr(
        ClockReading,
        "now",
        lambda: ClockReading(later.wall_s + hours_s, later.boot, later.uptime_s + hours_s),
    )
    assert (sessions.find(before), sessions.find(meanwhile)) == (None, None)


def test_a_copied_cookie_opens_nothing_after_signing_out(browser: Browser) -> None:
    browser.login(browser.key)
    cookie = browser.cookie
    browser.client.post("/logout", headers=OWN)
    browser.client.set_cookie(COOKIE, cookie)
    assert browser.name is None


def test_signing_in_again_ends_the_session_before(browser: Browser) -> None:
    browser.login(browser.key)
    before = browser.cookie
    browser.login(browser.key)
    after = browser.cookie
    browser.client.set_cookie(COOKIE, before)
    assert browser.name is None
    browser.client.set_cookie(COOKIE, after)
    assert browser.name == "ann"


def test_all_sessions_of_a_key_end_with_sign_out(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STETHO_DATA_DIR", str(browser.settings.data_dir))
    monkeypatch.setenv("STETHO_DATABASE_URL", browser.settings.database_url)
    browser.api_keys.add("eve", "operator")
    browser.login(browser.key)
    assert main(["key", "sign-out", "eve"]) == 0
    assert browser.name == "ann"
    assert main(["key", "sign-out", "ann"]) == 0
    assert browser.name is None
    assert "1 sessions of ann are ended." in capsys.readouterr().out
    assert main(["key", "sign-out", "nobody"]) == 2
    assert browser.login(browser.key).status_code == 303


def test_the_sessions_of_a_key_are_bounded_and_the_oldest_end(browser: Browser) -> None:
    key = browser.api_keys.find(digest(browser.key))
    assert key is not None
    sessions = BrowserSessions(browser.settings.database)
    first = sessions.begin(key)
    for hours in range(1, MOST_PER_KEY):
        BrowserSessions(browser.settings.database, LIFETIME + timedelta(hours=hours)).begin(key)
    assert sessions.find(first) == key
    BrowserSessions(browser.settings.database, LIFETIME + timedelta(hours=1)).begin(key)
    assert sessions.find(first) is None
    assert _rows(browser) == MOST_PER_KEY


def _rows(browser: Browser) -> int:
    with connect(browser.settings.database).connect() as connection:
        return connection.execute(select(func.count()).select_from(browser_sessions)).scalar_one()


@pytest.mark.parametrize("bearer", ["Bearer eyJhbGciOiJub25lIn0.e30.", "Basic eDp5", "Bearer", "Digest x"])
def test_a_header_of_a_proxy_does_no_harm_to_a_session(browser: Browser, bearer: str) -> None:
    proxied = {"Authorization": bearer}
    page = browser.client.get("/", headers=proxied | {"Accept": "text/html"})
    assert (page.status_code, page.headers["Location"]) == (303, "/login"), "a browser can still sign in"
    assert browser.login(browser.key, proxied | OWN).status_code == 303
    assert browser.client.get("/api/v1/me", headers=proxied).get_json()["name"] == "ann"
    assert browser.client.post("/logout", headers=proxied | FOREIGN).status_code == 403, "no key of ours"
    assert browser.client.post("/logout", headers=proxied).status_code == 403
    assert browser.client.post("/logout", headers=proxied | OWN).status_code == 303
    assert browser.name is None


def test_a_key_beside_the_bearer_of_a_proxy_counts(browser: Browser) -> None:
    both = {"Authorization": "Bearer of-a-proxy", "X-API-Key": browser.key}
    assert browser.client.get("/api/v1/me", headers=both).get_json()["name"] == "ann"


def test_without_a_database_nobody_signs_in(tmp_path: Path) -> None:
    api = Api(ApiSettings(data_dir=tmp_path))
    problem(api.client.post("/login", data={"key": "x"}), 503)
    api.client.set_cookie(COOKIE, "x")
    problem(api.client.get("/api/v1/me"), 503)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site"} | OWN, 403),
        (FOREIGN, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({}, 403),
    ],
)
def test_with_a_cookie_only_pages_of_the_same_origin_may_change_anything(
    browser: Browser, headers: dict[str, str], status: int
) -> None:
    browser.login(browser.key)
    answer = browser.client.post("/logout", headers=headers)
    assert_documented(answer, "/logout", "POST")
    assert answer.status_code == status


def test_another_site_cannot_submit_the_login_form(browser: Browser) -> None:
    problem(browser.login(browser.key, FOREIGN), 403)
    assert browser.name is None


def test_a_request_with_a_key_needs_no_origin(browser: Browser) -> None:
    browser.login(browser.key)
    assert browser.client.post("/logout", headers={"X-API-Key": browser.key}).status_code == 303


def test_without_keys_another_site_changes_nothing(tmp_path: Path) -> None:
    client = Archive(tmp_path).api().client
    problem(client.post("/logout", headers=FOREIGN), 403)
    assert client.post("/logout").status_code == 303


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of an operation that answers a page and is not part of the API."""
    content = {"text/html": {"schema": {"type": "string"}}}
    described = operation("a page", "page", {"200": {"description": "It.", "content": content}}, role="owner")
    guarded = with_roles({"/page": {"get": described}})
    monkeypatch.setitem(openapi_document.DOCUMENT["paths"], "/page", guarded["/page"])
    return "/page"


def test_a_browser_without_a_session_is_redirected_to_login_and_a_program_is_not(
    browser: Browser, page: str
) -> None:
    browser.api.app.add_url_rule(page, view_func=lambda: Response(g.principal.name, mimetype="text/html"))
    sent = browser.client.get(page, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (sent.status_code, sent.headers["Location"], sent.get_data()) == (303, "/login", b"")
    for accepted in ("*/*", "application/json"):
        problem(browser.client.get(page, headers={"Accept": accepted}), 401)
    assert browser.client.get("/history", headers={"Accept": "text/html"}).status_code == 401
    browser.login(browser.key)
    assert browser.client.get(page, headers={"Accept": "text/html"}).get_data() == b"ann"
