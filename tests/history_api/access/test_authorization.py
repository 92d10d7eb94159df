"""Authorization: every operation of the OpenAPI document, requested with every role and without a key."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from archive import problem
from keyed_api import OTHER_DEVICE, OWN_DEVICE, KeyedApi

from edge_worker.database.access.api_key import ROLES, Role
from history_api import openapi_document
from history_api.access import role
from history_api.access.role import with_roles
from history_api.application import create_app
from history_api.openapi.operation import operation

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
PUBLIC = {
    *("/livez", "/readyz", "/health", "/uptime", "/openapi.json", "/docs", "/login", "/logout"),
    "/static/{fingerprint}/{file}",
    *("/emotion/health", "/heart-cnn/health", "/heart-cnn/uptime"),
}
NO_PREDICTION = {"/heart-api/": 500}
"""What the older system answers as long as no sound was sent."""


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedApi]:
    keyed = KeyedApi(tmp_path_factory.mktemp("keyed"), api_rate=0)
    yield keyed
    keyed.api_keys.close()


def required_role(path: str, method: str) -> Role:
    required: Role = openapi_document.DOCUMENT["paths"][path][method]["x-role"]
    return required


def test_only_operations_that_must_be_are_public() -> None:
    assert {path for path, _ in OPERATIONS} - {path for path, _ in GUARDED} == PUBLIC


@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_without_a_key_every_other_operation_is_a_401(keyed: KeyedApi, path: str, method: str) -> None:
    answer = keyed.ask(path, method)
    document = problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "stetho key add" in document["detail"]


@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_with_a_wrong_key_every_other_operation_is_a_401(
    tmp_path: Path, keyed: KeyedApi, path: str, method: str
) -> None:
    keyed.api.app.extensions["stetho_authenticator"]._wrong_keys._levels.clear()
    address = path.replace("{recording_id}", "0000000000000001")
    problem(keyed.api.client.open(address, method=method.upper(), headers={"X-API-Key": "wrong"}), 401)


def test_a_role_that_is_too_low_is_a_403(keyed: KeyedApi) -> None:
    for path, method in GUARDED:
        required = required_role(path, method)
        for lower in ROLES[: ROLES.index(required)]:
            assert required in problem(keyed.ask(path, method, lower), 403)["detail"]


@pytest.mark.parametrize("least", ROLES)
def test_a_role_may_do_what_lower_roles_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: Role
) -> None:
    described = with_roles({"/change": {"post": operation("change", "change", {}, role=least)}})
    monkeypatch.setitem(openapi_document.DOCUMENT["paths"], "/change", described["/change"])
    keyed = KeyedApi(tmp_path)
    keyed.api.app.add_url_rule("/change", view_func=lambda: "done", methods=["POST"])
    allowed = []
    for each, key in keyed.keys.items():
        answer = keyed.api.client.post("/change", headers={"X-API-Key": key})
        assert answer.status_code in {200, 403}
        allowed += [each] if answer.status_code == 200 else []
    assert tuple(allowed) == ROLES[ROLES.index(least) :]


@pytest.mark.parametrize(("path", "method"), OWNERS)
def test_an_owner_sees_nothing_of_another_device(keyed: KeyedApi, path: str, method: str) -> None:
    answer = keyed.ask(path, method, "owner")
    if answer.mimetype == "text/event-stream":
        assert openapi_document.OPERATIONS.query_parameters(path, method.upper()).get("device"), (
            "without the parameter an owner cannot be restricted"
        )
    elif answer.status_code not in {403, 404}:
        # Uploads need a sound and a broker, which are looked at after the role.
        allowed = {NO_PREDICTION.get(path, 200)} if method == "get" else {400, 503}
        assert answer.status_code in allowed
        assert OTHER_DEVICE.encode() not in answer.get_data()


@pytest.mark.parametrize(("path", "method"), OWNERS)
def test_an_owner_who_asks_for_another_device_gets_a_403(keyed: KeyedApi, path: str, method: str) -> None:
    if "device" in openapi_document.OPERATIONS.query_parameters(path, method.upper()):
        problem(keyed.ask(path, method, "owner", f"?device={OTHER_DEVICE}"), 403)
        allowed = {NO_PREDICTION.get(path, 200), 404} if method == "get" else {400, 503}
        assert keyed.ask(path, method, "owner", f"?device={OWN_DEVICE}").status_code in allowed


def test_an_owner_sees_recordings_of_the_own_device(tmp_path: Path) -> None:
    keyed = KeyedApi(tmp_path)
    keyed.archive.add(1, OWN_DEVICE)  # the same recording id as of the other device
    assert [item["device_id"] for item in keyed.ask("/api/v1/results", role="owner").get_json()["items"]] == [
        OWN_DEVICE
    ]
    assert [item["device_id"] for item in keyed.ask("/history", role="owner").get_json()] == [OWN_DEVICE]
    assert keyed.ask("/api/v1/recordings/{recording_id}", role="owner").get_json()["device_id"] == OWN_DEVICE
    assert keyed.ask("/api/v1/recordings/{recording_id}/audio.wav", role="owner").status_code == 200


def test_an_operator_sees_all_devices(keyed: KeyedApi) -> None:
    assert len(keyed.ask("/api/v1/results", role="operator").get_json()["items"]) == 1
    assert keyed.ask("/api/v1/recordings/{recording_id}", role="operator").status_code == 200


def test_an_address_that_does_not_exist_is_a_404_without_a_key(keyed: KeyedApi) -> None:
    problem(keyed.api.client.get("/nothing"), 404)
    problem(keyed.api.client.post("/history"), 405)


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
def test_an_operation_without_a_role_gets_a_safe_default(
    path: str, method: str, described: dict[str, object], expected: str
) -> None:
    assert role.default(path, method, described) == expected


def test_an_undocumented_route_is_for_admins(tmp_path: Path) -> None:
    keyed = KeyedApi(tmp_path)
    app = create_app(keyed.settings)
    app.add_url_rule("/forgotten", view_func=lambda: "ok")
    client = app.test_client()
    key = {"X-API-Key": keyed.keys["operator"]}
    assert [client.get("/forgotten", headers=each).status_code for each in ({}, key)] == [401, 403]
    assert client.get("/forgotten", headers={"X-API-Key": keyed.keys["admin"]}).status_code == 200


def test_the_document_describes_the_ways_to_authenticate(keyed: KeyedApi) -> None:
    document = json.loads(keyed.ask("/openapi.json").get_data())
    assert {"basic", "bearer", "apiKey"} == {
        each["scheme" if each["type"] == "http" else "type"]
        for each in document["components"]["securitySchemes"].values()
    }
    assert document["paths"]["/livez"]["get"]["security"] == []
    assert "security" not in document["paths"]["/history"]["get"]
