"""The OpenAPI document against the routes. `archive.Api` checks all answers of all tests against it."""

import re
from pathlib import Path

import pytest
from archive import Api, Archive, assert_documented
from openapi_spec_validator import OpenAPIV31SpecValidator

from history_api import openapi_document
from history_api.openapi.operation_lookup import openapi_path

EXAMPLES = {
    "{recording_id}": "0000000000000001",
    "{filename}": "0000000000000001.wav",
    "{device_id}": "st-01",
    "{exam_id}": "visit-7",
    "{subject}": "P-17",
    "{fingerprint}": "any",
    "{file}": "style.css",
}
TESTED_ELSEWHERE = {
    "/api/v1/recordings/0000000000000001/occlusion.svg",
    "/api/v1/models/{model}/reliability.svg",
    "/api/v1/recordings/0000000000000001/timeline",
    "/api/v1/recordings/0000000000000001/timeline.svg",
    "/readyz",
    "/emotion/models/info",
    "/heart-cnn/visualizations/class-distribution",
}
"""What needs a model, a stream or a worker: test_api_occlusion_map, test_api_charts, test_api_health,
test_api_device_settings."""


@pytest.fixture
def api(tmp_path: Path) -> Api:
    archive = Archive(tmp_path)
    archive.add(1, exam="visit-7", subject="P-17")
    return archive.api()


def test_the_document_is_valid_openapi(api: Api) -> None:
    document = api.json("/openapi.json")
    OpenAPIV31SpecValidator(document).validate()
    assert document == openapi_document.DOCUMENT


def test_every_route_is_documented_and_every_path_is_routed(api: Api) -> None:
    routed = {openapi_path(rule.rule) for rule in api.app.url_map.iter_rules()}
    assert routed == set(openapi_document.DOCUMENT["paths"])


def test_the_methods_are_those_of_the_document(api: Api) -> None:
    routed: dict[str, set[str]] = {}
    for rule in api.app.url_map.iter_rules():
        routed.setdefault(openapi_path(rule.rule), set()).update(rule.methods or ())
    for path, item in openapi_document.DOCUMENT["paths"].items():
        assert routed[path] - {"HEAD"} == {method.upper() for method in item}


def test_path_parameters_are_those_of_the_routes(api: Api) -> None:
    for rule in api.app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD"}:
            documented = (openapi_document.OPERATIONS.find(openapi_path(rule.rule), method) or {}).get(
                "parameters", []
            )
            assert rule.arguments == {spec["name"] for spec in documented if spec["in"] == "path"}


def test_every_path_answers_as_documented(api: Api) -> None:
    for path, item in openapi_document.DOCUMENT["paths"].items():
        if "get" not in item or path == "/api/v1/stream":  # it does not end
            continue
        for name, value in EXAMPLES.items():
            path = path.replace(name, value)  # noqa: PLW2901 - the address that it means
        if path not in TESTED_ELSEWHERE:
            assert api.get(path).status_code == 200, path


def test_an_undocumented_answer_fails_the_check(api: Api) -> None:
    answer = api.client.get("/uptime")
    assert_documented(answer, "/uptime")
    with pytest.raises(Exception, match=r"Additional properties|required property"):
        assert_documented(answer, "/livez")


def test_http_api_md_has_every_address_and_parameter() -> None:
    page = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text(encoding="utf-8")
    for path, item in openapi_document.DOCUMENT["paths"].items():
        for method in item:
            assert f"`{method.upper()} {path}`" in page
            for name in openapi_document.OPERATIONS.query_parameters(path, method.upper()):
                assert f"`{name}`" in page


def test_operation_ids_are_unique() -> None:
    paths = openapi_document.DOCUMENT["paths"].values()
    names = [operation["operationId"] for item in paths for operation in item.values()]
    assert len(set(names)) == len(names)


def test_every_operation_has_a_tag_and_a_name_that_generated_clients_can_use() -> None:
    tags = [tag["name"] for tag in openapi_document.DOCUMENT["tags"]]
    assert len(set(tags)) == len(tags)
    paths = openapi_document.DOCUMENT["paths"].values()
    operations = [operation for item in paths for operation in item.values()]
    assert all(len(operation["tags"]) == 1 for operation in operations)
    assert {operation["tags"][0] for operation in operations} == set(tags), "no tag is unknown, or unused"
    names = [operation["operationId"] for operation in operations]
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) for name in names)
    joined = {name.replace("_", "") for name in names}
    assert len(joined) == len(names), "some generators write them without underscores"
