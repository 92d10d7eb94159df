"""The OpenAPI document against the routes. `archive.Api` holds all answers of all tests to its schemas."""

from pathlib import Path

import pytest
from archive import Api, Archive, hold_to_document
from openapi_spec_validator import OpenAPIV31SpecValidator

from history_api import openapi
from history_api.parameters import openapi_path


@pytest.fixture
def api(tmp_path: Path) -> Api:
    archive = Archive(tmp_path)
    archive.add(1)
    return archive.api()


def test_the_document_is_openapi(api: Api) -> None:
    document = api.json("/openapi.json")
    OpenAPIV31SpecValidator(document).validate()
    assert document == openapi.DOCUMENT


def test_every_route_is_documented_and_every_path_is_routed(api: Api) -> None:
    routed = {openapi_path(rule.rule) for rule in api.app.url_map.iter_rules()}
    assert routed == set(openapi.DOCUMENT["paths"])


def test_the_methods_are_those_of_the_document(api: Api) -> None:
    for rule in api.app.url_map.iter_rules():
        assert rule.methods == {"GET", "HEAD"}
    assert all(set(item) == {"get"} for item in openapi.DOCUMENT["paths"].values())


def test_path_parameters_are_those_of_the_routes(api: Api) -> None:
    for rule in api.app.url_map.iter_rules():
        documented = openapi.DOCUMENT["paths"][openapi_path(rule.rule)]["get"].get("parameters", [])
        assert rule.arguments == {spec["name"] for spec in documented if spec["in"] == "path"}


def test_every_path_has_an_answer_as_documented(api: Api) -> None:
    for path in openapi.DOCUMENT["paths"]:
        assert api.get(path.replace("{recording_id}", "0000000000000001")).status_code == 200


def test_an_answer_that_is_not_as_documented_is_noticed(api: Api) -> None:
    answer = api.client.get("/uptime")
    hold_to_document(answer, "/uptime")
    with pytest.raises(Exception, match=r"Additional properties|required property"):
        hold_to_document(answer, "/livez")


def test_the_page_for_people_has_every_address_and_parameter() -> None:
    page = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text(encoding="utf-8")
    for path in openapi.DOCUMENT["paths"]:
        assert f"`GET {path}`" in page
        for name in openapi.query_parameters(path):
            assert f"`{name}`" in page


def test_operations_have_names_of_their_own() -> None:
    names = [item["get"]["operationId"] for item in openapi.DOCUMENT["paths"].values()]
    assert len(set(names)) == len(names)
