"""Authentication, rate limits and security headers of the history API, with keys and without."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from archive import Api, Archive, problem
from keyed_api import OWN_DEVICE, KeyedApi

from edge_worker.database.access.api_key import ApiKeys
from edge_worker.errors import SettingsError
from history_api.application import create_app
from history_api.settings import ApiSettings

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedApi]:
    keyed = KeyedApi(tmp_path_factory.mktemp("keyed"), api_rate=0)
    yield keyed
    keyed.api_keys.close()


def test_me_is_the_principal_of_the_request(keyed: KeyedApi) -> None:
    assert keyed.ask("/api/v1/me", role="owner").get_json() == {
        "name": "owner",
        "role": "owner",
        "device_id": OWN_DEVICE,
    }
    assert keyed.ask("/api/v1/me", role="admin").get_json()["device_id"] is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-API-Key": "{}"}, 200),
        ({"Authorization": "bearer {}"}, 200),
        ({"Authorization": "Basic eDp5", "X-API-Key": "{}"}, 200),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer {}x"}, 401),
        ({"Authorization": "Basic {}"}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        ({"X-API-Key": "ö\udcff"}, 401),
    ],
)
def test_a_key_is_read_from_either_header(keyed: KeyedApi, headers: dict[str, str], status: int) -> None:
    keyed.api.app.extensions["stetho_authenticator"]._wrong_keys._levels.clear()
    environ = {
        f"HTTP_{name.upper().replace('-', '_')}": value.format(keyed.keys["operator"])
        .encode("utf-8", "surrogateescape")
        .decode("latin-1")
        for name, value in headers.items()
    }
    assert keyed.api.client.get("/api/v1/me", environ_overrides=environ).status_code == status


def test_a_key_is_the_password_of_http_basic_whatever_the_user_is_called(keyed: KeyedApi) -> None:
    key = keyed.keys["operator"]
    for user in ("key", "", "anna"):
        answer = keyed.api.client.get("/api/v1/me", auth=(user, key))
        assert (answer.status_code, answer.get_json()["name"]) == (200, "operator")
    assert keyed.api.client.get("/api/v1/me", auth=(key, "")).status_code == 401


@pytest.mark.parametrize(("origin", "status"), [({}, 404), ({"Origin": "http://evil.example"}, 403)])
def test_a_password_that_a_browser_sends_by_itself_is_no_proof_of_who_asks(
    keyed: KeyedApi, origin: dict[str, str], status: int
) -> None:
    address = "/api/v1/recordings/00000000000000ff"
    answer = keyed.api.client.delete(address, auth=("key", keyed.keys["operator"]), headers=origin)
    assert answer.status_code == status


def test_a_removed_key_is_a_401(tmp_path: Path) -> None:
    keyed = KeyedApi(tmp_path)
    assert keyed.ask("/api/v1/me", role="operator").status_code == 200
    keyed.api_keys.remove("operator")
    assert "removed" in problem(keyed.ask("/api/v1/me", role="operator"), 401)["detail"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "stetho.local"])  # noqa: S104 - refused
def test_without_keys_only_a_loopback_address_is_served(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="STETHO_API_AUTH"):
        create_app(ApiSettings(data_dir=tmp_path, api_auth="none", api_host=host))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_without_keys_every_client_is_admin(tmp_path: Path, host: str) -> None:
    api = Api(replace(Archive(tmp_path).settings, api_host=host))
    assert api.json("/api/v1/me") == {"name": "anonymous", "role": "admin", "device_id": None}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example:8080", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("192.168.1.20:8080", 403),
    ],
)
def test_without_keys_other_host_names_are_refused(tmp_path: Path, host: str, status: int) -> None:
    api = Archive(tmp_path).api()
    for address in ("/api/v1/results", "/health"):
        assert api.get(address, Host=host).status_code == status


@pytest.mark.parametrize(
    "host", ["", "[", "a b", "localhost:x", "ö", "[::1", "a" * 5000, "@", "localhost@evil"]
)
def test_a_malformed_host_is_refused(tmp_path: Path, host: str) -> None:
    answer = Archive(tmp_path).api().client.get("/api/v1/results", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code in {400, 403}, answer.get_data()
    assert "Traceback" not in answer.get_data(as_text=True)


def test_requests_are_limited_per_key_and_per_address(tmp_path: Path) -> None:
    keyed = KeyedApi(tmp_path, api_rate=2)
    assert [keyed.ask("/api/v1/me", role="operator").status_code for _ in range(3)] == [200, 200, 429]
    answer = keyed.ask("/history", role="operator")
    assert problem(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert keyed.ask("/api/v1/me", role="admin").status_code == 200
    assert [keyed.ask("/uptime").status_code for _ in range(3)] == [200, 200, 429]
    assert {keyed.ask("/livez").status_code for _ in range(5)} == {200}


def test_wrong_keys_are_limited_per_address_and_lock_no_other_client_out(tmp_path: Path) -> None:
    keyed = KeyedApi(tmp_path)

    def guess(address: str) -> int:
        environ = {"REMOTE_ADDR": address, "HTTP_X_API_KEY": "wrong"}
        return keyed.api.client.get("/api/v1/me", environ_overrides=environ).status_code

    assert [guess("192.0.2.1") for _ in range(11)] == [401] * 10 + [429]
    assert guess("192.0.2.2") == 401
    right = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_API_KEY": keyed.keys["owner"]}
    assert keyed.api.client.get("/api/v1/me", environ_overrides=right).status_code == 200
    assert [guess(f"2001:db8::{number}") for number in range(11)][-1] == 429, "one /64 is one address"


def test_an_answer_never_has_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyed = KeyedApi(tmp_path)

    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(ApiKeys, "find", fail)
    answer = keyed.ask("/api/v1/results", role="operator")
    assert "log" in problem(answer, 500)["detail"]
    assert "secret detail" not in answer.get_data(as_text=True)
    assert "Traceback" not in answer.get_data(as_text=True)


def test_a_missing_database_is_a_503_with_a_key_and_a_401_without(tmp_path: Path) -> None:
    api = Api(ApiSettings(data_dir=tmp_path))
    assert "start the worker" in problem(api.get("/history", X_API_Key="any"), 503)["detail"]
    problem(api.get("/history"), 401)
    assert api.json("/livez") == {"status": "ok"}


def test_documents_have_a_stricter_content_security_policy_than_pages(keyed: KeyedApi) -> None:
    page = keyed.ask("/login").headers
    assert "unsafe" not in page["Content-Security-Policy"]
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    document = keyed.ask("/livez").headers
    assert document["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    for headers in (page, document):
        assert "geolocation=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(("proxies", "is_believed"), [(0, False), (1, True)])
def test_forwarded_headers_are_trusted_only_from_a_configured_proxy(
    tmp_path: Path, proxies: int, is_believed: bool
) -> None:
    keyed = KeyedApi(tmp_path, api_proxy=proxies, api_rate=1)
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    answer = keyed.api.client.get("/uptime", headers=headers)
    assert ("Strict-Transport-Security" in answer.headers) == is_believed
    headers["X-Forwarded-For"] = "192.0.2.2"
    assert keyed.api.client.get("/uptime", headers=headers).status_code == (200 if is_believed else 429)
