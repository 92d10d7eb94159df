"""Browser sessions: the login form, the cookie, logout, and requests from other sites."""

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from archive import Api, Archive, assert_documented, problem, stop_clock
from flask import Response, g
from werkzeug.test import TestResponse

from edge_worker.database.api_key import ApiKeys, digest
from history_api import openapi_document
from history_api.access.role import with_roles
from history_api.access.session import COOKIE, Sessions
from history_api.openapi.operation import operation

OWN = {"Origin": "http://localhost"}
FOREIGN = {"Origin": "http://evil.example"}


class Browser:
    """A client with cookies, of an API that requires keys."""

    def __init__(self, directory: Path) -> None:
        settings = replace(Archive(directory).settings, api_auth="keys")
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


def test_a_session_expires_and_cannot_be_forged(tmp_path: Path, browser: Browser) -> None:
    known = digest(browser.key)
    sessions = Sessions(tmp_path)
    cookie = sessions.begin(known)
    assert sessions.digest(cookie) == known
    assert Sessions(tmp_path, timedelta(seconds=-1)).digest(cookie) is None, "too old"
    other = tmp_path / "other"
    forged = Sessions(other).begin(known)
    for wrong in ("", "x", known, cookie[:-1], forged, cookie.replace(".", "")):
        assert sessions.digest(wrong) is None
        browser.client.set_cookie(COOKIE, wrong)
        assert browser.name is None
    browser.client.set_cookie(COOKIE, cookie)
    assert browser.name == "ann"


def test_the_secret_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    assert Sessions(tmp_path).digest("x") is None
    assert not (tmp_path / "api_secret").exists()
    first, second = Sessions(tmp_path), Sessions(tmp_path)
    cookie = first.begin("a")
    assert second.digest(cookie) == "a"
    assert second.begin("b")
    assert [path.name for path in tmp_path.iterdir()] == ["api_secret"]
    assert stat.S_IMODE((tmp_path / "api_secret").stat().st_mode) == 0o600


def test_two_processes_that_create_the_secret_at_once_share_it(tmp_path: Path) -> None:
    late, early = Sessions(tmp_path), Sessions(tmp_path)
    cookie = early.begin("a")
    late._create()
    assert late.digest(cookie) == "a"


@pytest.mark.parametrize("damage", [b"", b"short"])
def test_a_damaged_secret_is_a_503(tmp_path: Path, browser: Browser, damage: bytes) -> None:
    (tmp_path / "api_secret").write_bytes(damage)
    assert "delete it" in problem(browser.login(browser.key), 503)["detail"]
    browser.client.set_cookie(COOKIE, "forged")
    problem(browser.client.get("/api/v1/me"), 503)


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
