"""Who may ask what: every operation of the OpenAPI document, asked by everybody."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from archive import Api, Archive, hold_to_document, problem, stop_clock
from werkzeug.test import TestResponse

from edge_worker.database.api_keys import ROLES, ApiKeys, Role
from edge_worker.errors import SettingsError
from history_api import openapi_document
from history_api.access import role
from history_api.access.role import with_roles
from history_api.application import create_app
from history_api.openapi.operation import operation
from history_api.settings import ApiSettings

OPERATIONS = [(path, method) for path, item in openapi_document.DOCUMENT["paths"].items() for method in item]
GUARDED = [
    (path, method)
    for path, method in OPERATIONS
    if openapi_document.DOCUMENT["paths"][path][method]["x-role"] != "public"
]
OWNERS = [
    (path, method)
    for path, method in GUARDED
    if openapi_document.DOCUMENT["paths"][path][method]["x-role"] == "owner"
]
PUBLIC = {"/livez", "/readyz", "/health", "/uptime", "/openapi.json", "/login", "/logout"} | {
    "/static/{fingerprint}/{file}"
}
MINE, OTHERS = "st-01", "st-02"


class House:
    """An API that asks for keys, somebody of each role, and a recording that is not the owner's."""

    def __init__(self, directory: Path, **changed: object) -> None:
        self.archive = Archive(directory)
        self.archive.add(1, OTHERS)
        self.settings: ApiSettings = replace(self.archive.settings, api_auth="keys", **changed)  # type: ignore[arg-type]
        self.keyring = ApiKeys(self.settings.database)
        self.keys = {each: self.keyring.add(each, each, MINE if each == "owner" else None) for each in ROLES}
        self.api = Api(self.settings)
        stop_clock(self.api)

    def ask(self, path: str, method: str = "get", who: Role | None = None, query: str = "") -> TestResponse:
        """Return the answer to an operation of the document, which must promise it."""
        address = path.replace("{recording_id}", "0000000000000001").replace("{device_id}", OTHERS)
        headers = {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}
        answer = self.api.client.open(address + query, method=method.upper(), headers=headers, buffered=False)
        if answer.mimetype != "text/event-stream":
            hold_to_document(answer, path, method.upper())
        return answer


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    built = House(tmp_path_factory.mktemp("house"), api_rate=0)
    yield built
    built.keyring.close()


def needed(path: str, method: str) -> Role:
    found: Role = openapi_document.DOCUMENT["paths"][path][method]["x-role"]
    return found


def test_only_what_must_be_is_public() -> None:
    assert {path for path, _ in OPERATIONS} - {path for path, _ in GUARDED} == PUBLIC


@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_nobody_gets_in_without_a_key(house: House, path: str, method: str) -> None:
    answer = house.ask(path, method)
    document = problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "stetho key add" in document["detail"]


@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_nobody_gets_in_with_a_wrong_key(tmp_path: Path, house: House, path: str, method: str) -> None:
    house.api.app.extensions["stetho_authenticator"]._wrong_keys._levels.clear()
    address = path.replace("{recording_id}", "0000000000000001")
    problem(house.api.client.open(address, method=method.upper(), headers={"X-API-Key": "wrong"}), 401)


def test_a_role_that_is_too_low_gets_a_403(house: House) -> None:
    for path, method in GUARDED:
        for who in ROLES[: ROLES.index(needed(path, method))]:
            assert needed(path, method) in problem(house.ask(path, method, who), 403)["detail"]


@pytest.mark.parametrize("least", ROLES)
def test_a_role_may_do_what_those_below_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: Role
) -> None:
    described = with_roles({"/change": {"post": operation("change", "change", {}, role=least)}})
    monkeypatch.setitem(openapi_document.DOCUMENT["paths"], "/change", described["/change"])
    house = House(tmp_path)
    house.api.app.add_url_rule("/change", view_func=lambda: "done", methods=["POST"])
    may = []
    for who, key in house.keys.items():
        answer = house.api.client.post("/change", headers={"X-API-Key": key})
        assert answer.status_code in {200, 403}
        may += [who] if answer.status_code == 200 else []
    assert tuple(may) == ROLES[ROLES.index(least) :]


@pytest.mark.parametrize(("path", "method"), OWNERS)
def test_an_owner_sees_nothing_of_another_device(house: House, path: str, method: str) -> None:
    answer = house.ask(path, method, "owner")
    if answer.mimetype == "text/event-stream":
        assert openapi_document.OPERATIONS.query_parameters(path, method.upper()).get("device"), (
            "else it cannot be confined"
        )
    elif answer.status_code not in {403, 404}:
        # What is sent needs a sound and a broker, which come after the question who asks.
        assert answer.status_code in ({200} if method == "get" else {400, 503})
        assert OTHERS.encode() not in answer.get_data()


@pytest.mark.parametrize(("path", "method"), OWNERS)
def test_an_owner_who_asks_for_another_device_gets_a_403(house: House, path: str, method: str) -> None:
    if "device" in openapi_document.OPERATIONS.query_parameters(path, method.upper()):
        problem(house.ask(path, method, "owner", f"?device={OTHERS}"), 403)
        allowed = {200, 404} if method == "get" else {400, 503}
        assert house.ask(path, method, "owner", f"?device={MINE}").status_code in allowed


def test_an_owner_sees_the_own_device(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.archive.add(1, MINE)  # the same recording id as of the other device
    assert [item["device_id"] for item in house.ask("/api/v1/results", who="owner").get_json()["items"]] == [
        MINE
    ]
    assert [item["device_id"] for item in house.ask("/history", who="owner").get_json()] == [MINE]
    assert house.ask("/api/v1/recordings/{recording_id}", who="owner").get_json()["device_id"] == MINE
    assert house.ask("/api/v1/recordings/{recording_id}/audio.wav", who="owner").status_code == 200


def test_an_operator_sees_all_devices(house: House) -> None:
    assert len(house.ask("/api/v1/results", who="operator").get_json()["items"]) == 1
    assert house.ask("/api/v1/recordings/{recording_id}", who="operator").status_code == 200


def test_everybody_can_ask_who_they_are(house: House) -> None:
    assert house.ask("/api/v1/me", who="owner").get_json() == {
        "name": "owner",
        "role": "owner",
        "device_id": MINE,
    }
    assert house.ask("/api/v1/me", who="admin").get_json()["device_id"] is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-API-Key": "{}"}, 200),
        ({"Authorization": "bearer {}"}, 200),
        ({"Authorization": "Basic eDp5", "X-API-Key": "{}"}, 200),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer {}x"}, 401),
        ({"Authorization": "Basic {}"}, 401),
        ({"X-API-Key": "ö\udcff"}, 401),
    ],
)
def test_a_key_travels_in_either_header(house: House, headers: dict[str, str], status: int) -> None:
    house.api.app.extensions["stetho_authenticator"]._wrong_keys._levels.clear()
    environ = {
        f"HTTP_{name.upper().replace('-', '_')}": value.format(house.keys["operator"])
        .encode("utf-8", "surrogateescape")
        .decode("latin-1")
        for name, value in headers.items()
    }
    assert house.api.client.get("/api/v1/me", environ_overrides=environ).status_code == status


def test_a_removed_key_opens_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.ask("/api/v1/me", who="operator").status_code == 200
    house.keyring.remove("operator")
    assert "removed" in problem(house.ask("/api/v1/me", who="operator"), 401)["detail"]


def test_what_is_not_there_is_not_there_for_anybody(house: House) -> None:
    problem(house.api.client.get("/nothing"), 404)
    problem(house.api.client.post("/history"), 405)


@pytest.mark.parametrize(
    ("path", "method", "described", "expected"),
    [
        ("/x", "get", {"parameters": [{"name": "device", "in": "query"}]}, "owner"),
        ("/x/{device_id}", "get", {}, "owner"),
        ("/x", "get", {}, "operator"),
        ("/x", "delete", {}, "operator"),
        ("/retrain", "post", {}, "admin"),
        ("/training-status", "get", {}, "admin"),
    ],
)
def test_an_operation_that_names_no_role_gets_a_safe_one(
    path: str, method: str, described: dict[str, object], expected: str
) -> None:
    assert role.default(path, method, described) == expected


def test_a_route_that_nobody_described_is_for_admins(tmp_path: Path) -> None:
    house = House(tmp_path)
    app = create_app(house.settings)
    app.add_url_rule("/forgotten", view_func=lambda: "ok")
    client = app.test_client()
    key = {"X-API-Key": house.keys["operator"]}
    assert [client.get("/forgotten", headers=each).status_code for each in ({}, key)] == [401, 403]
    assert client.get("/forgotten", headers={"X-API-Key": house.keys["admin"]}).status_code == 200


# --- without keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "stetho.local"])  # noqa: S104 - refused
def test_no_keys_only_on_loopback(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="STETHO_API_AUTH"):
        create_app(ApiSettings(data_dir=tmp_path, api_auth="none", api_host=host))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_without_keys_everybody_here_may_do_everything(tmp_path: Path, host: str) -> None:
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
def test_without_keys_no_other_name_is_answered(tmp_path: Path, host: str, status: int) -> None:
    api = Archive(tmp_path).api()
    for address in ("/api/v1/results", "/health"):
        assert api.get(address, Host=host).status_code == status


@pytest.mark.parametrize(
    "host", ["", "[", "a b", "localhost:x", "ö", "[::1", "a" * 5000, "@", "localhost@evil"]
)
def test_a_host_that_is_none_is_refused(tmp_path: Path, host: str) -> None:
    answer = Archive(tmp_path).api().client.get("/api/v1/results", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code in {400, 403}, answer.get_data()
    assert "Traceback" not in answer.get_data(as_text=True)


# --- how often ------------------------------------------------------------------------------------------


def test_too_many_requests_wait_by_key_and_by_address(tmp_path: Path) -> None:
    house = House(tmp_path, api_rate=2)
    assert [house.ask("/api/v1/me", who="operator").status_code for _ in range(3)] == [200, 200, 429]
    answer = house.ask("/history", who="operator")
    assert problem(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert house.ask("/api/v1/me", who="admin").status_code == 200
    assert [house.ask("/uptime").status_code for _ in range(3)] == [200, 200, 429]
    assert {house.ask("/livez").status_code for _ in range(5)} == {200}


def test_wrong_keys_are_soon_too_many_and_lock_nobody_out(tmp_path: Path) -> None:
    house = House(tmp_path)

    def guess(address: str) -> int:
        environ = {"REMOTE_ADDR": address, "HTTP_X_API_KEY": "wrong"}
        return house.api.client.get("/api/v1/me", environ_overrides=environ).status_code

    assert [guess("192.0.2.1") for _ in range(11)] == [401] * 10 + [429]
    assert guess("192.0.2.2") == 401
    right = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_API_KEY": house.keys["owner"]}
    assert house.api.client.get("/api/v1/me", environ_overrides=right).status_code == 200
    assert [guess(f"2001:db8::{number}") for number in range(11)][-1] == 429, "one /64 is one address"


# --- how answers look -----------------------------------------------------------------------------------


def test_no_trace_of_a_fault_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)

    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(ApiKeys, "find", fail)
    answer = house.ask("/api/v1/results", who="operator")
    assert "log" in problem(answer, 500)["detail"]
    assert "secret detail" not in answer.get_data(as_text=True)
    assert "Traceback" not in answer.get_data(as_text=True)


def test_a_database_that_is_gone_is_a_503_with_a_key_and_a_401_without(tmp_path: Path) -> None:
    api = Api(ApiSettings(data_dir=tmp_path))
    assert "start the worker" in problem(api.get("/history", X_API_Key="any"), 503)["detail"]
    problem(api.get("/history"), 401)
    assert api.json("/livez") == {"status": "ok"}


def test_pages_are_strict_and_documents_stricter(house: House) -> None:
    page = house.ask("/login").headers
    assert "unsafe" not in page["Content-Security-Policy"]
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    document = house.ask("/livez").headers
    assert document["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    for headers in (page, document):
        assert "geolocation=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(("proxies", "is_believed"), [(0, False), (1, True)])
def test_a_proxy_is_believed_only_when_told(tmp_path: Path, proxies: int, is_believed: bool) -> None:
    house = House(tmp_path, api_proxy=proxies, api_rate=1)
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    answer = house.api.client.get("/uptime", headers=headers)
    assert ("Strict-Transport-Security" in answer.headers) == is_believed
    headers["X-Forwarded-For"] = "192.0.2.2"
    assert house.api.client.get("/uptime", headers=headers).status_code == (200 if is_believed else 429)


def test_the_document_says_how_to_get_in(house: House) -> None:
    document = json.loads(house.ask("/openapi.json").get_data())
    assert {"bearer", "apiKey"} == {
        each["scheme" if each["type"] == "http" else "type"]
        for each in document["components"]["securitySchemes"].values()
    }
    assert document["paths"]["/livez"]["get"]["security"] == []
    assert "security" not in document["paths"]["/history"]["get"]
