"""The character 0 in a text that enters over HTTP: refused on every database, as PostgreSQL has none."""

import re
from typing import Any

import pytest
from archive import Api, Archive, problem

from edge_worker.protocol import strict_json
from history_api import openapi_document
from history_api.openapi.operation_lookup import query_parameters

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

OPERATIONS = [
    (path, method, described)
    for path, item in openapi_document.DOCUMENT["paths"].items()
    for method, described in item.items()
]
BODIES: list[tuple[Any, str]] = [
    ("a\0b", "/"),
    ({"note": "a\0b"}, "/note"),
    ({"a\0b": 1}, "/"),
    ({"devices": ["st-01", {"name": "\0"}]}, "/devices/1/name"),
]


def address(path: str, of_parameter: str = "st-01") -> str:
    return re.sub(r"{\w+}", of_parameter, path)


def takes_json(described: dict[str, Any]) -> bool:
    return set(described.get("requestBody", {}).get("content", {})) == {"application/json"}


def test_no_parameter_of_a_query_has_it(api: Api) -> None:
    asked = 0
    for path, method, described in OPERATIONS:
        ids = {"recording_id": "0000000000000001"}
        where = path.format_map(type("Ids", (dict,), {"__missing__": lambda *_: "st-01"})(ids))
        for name in query_parameters(described):
            answer = api.client.open(f"{where}?{name}=a%00b", method=method.upper())
            assert problem(answer, 400)["parameter"] == name
            asked += 1
    assert asked > 50


def test_no_part_of_an_address_has_it(api: Api) -> None:
    with_parts = [(path, method) for path, method, _ in OPERATIONS if "{" in path]
    assert len(with_parts) > 20
    for path, method in with_parts:
        problem(api.client.open(address(path, "a%00b"), method=method.upper()), 404)


@pytest.mark.parametrize(("body", "pointer"), BODIES)
def test_no_text_of_a_body_has_it(api: Api, body: object, pointer: str) -> None:
    asked = 0
    for path, method, described in OPERATIONS:
        if takes_json(described):
            where = path.replace("{recording_id}", "0000000000000001")
            answer = api.client.open(
                address(where),
                method=method.upper(),
                data=strict_json.write(body),
                content_type="application/json",
            )
            document = problem(answer, 400)
            assert document["pointer"] == pointer
            assert "has the character 0 in it" in document["detail"]
            asked += 1
    assert asked > 5


def test_no_subject_of_a_form_has_it(api: Api) -> None:
    for path in ("/predict", "/api/v1/recordings", "/heart-cnn/predict"):
        answer = api.client.post(path, data={"subject": "P-1\x007", "file": (b"", "a.wav")})
        assert answer.status_code in (400, 404)


def test_a_text_that_only_looks_so_is_kept(archive: Archive, api: Api) -> None:
    archive.add(1)
    body = b'{"verdict":"confirmed","note":"\\\\u0000"}'
    where = "/api/v1/recordings/0000000000000001/review"
    answer = api.ask("PUT", where, body, Content_Type="application/json", If_Match='"0"')
    assert answer.get_json()["note"] == "\\u0000"
