"""The address at which the API is reached from outside, as the settings name it."""

from pathlib import Path

import pytest
from archive import problem
from keyed_api import KeyedApi

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

PUBLIC = "https://stetho.example.org/hearts"
FHIR = "/api/v1/recordings/0000000000000001/fhir.json"


@pytest.fixture(params=[PUBLIC, f"{PUBLIC}/"])
def keyed(tmp_path: Path, request: pytest.FixtureRequest) -> KeyedApi:
    return KeyedApi(tmp_path, api_public_url=request.param, api_rate=0)


def test_links_that_leave_the_site_begin_with_it(keyed: KeyedApi) -> None:
    key = {"X-API-Key": keyed.keys["admin"]}
    bundle = keyed.api.client.get(FHIR, headers=key).get_json()
    urls = [url for url in _values(bundle, "url") if url.startswith("http") and "/api/" in url]
    assert urls
    assert [url for url in urls if not url.startswith(f"{PUBLIC}/api/v1/recordings/")] == []
    servers = keyed.api.client.get("/openapi.json").get_json()["servers"]
    assert servers == [{"url": PUBLIC}, {"url": "/"}]
    (usage,) = keyed.api.client.get("/digits/", headers=key).get_json()["usage"]
    assert f" {PUBLIC}/digits/predict " in usage


def test_a_page_of_that_address_may_change_something_and_one_of_another_may_not(keyed: KeyedApi) -> None:
    for origin, status in (("https://stetho.example.org", 303), ("https://evil.example", 403)):
        data = {"key": keyed.keys["operator"]}
        answer = keyed.api.client.post("/login", data=data, headers={"Origin": origin})
        assert answer.status_code == status
    problem(answer, 403)


def _values(node: object, name: str) -> list[str]:
    if isinstance(node, dict):
        own = [node[name]] if isinstance(node.get(name), str) else []
        return own + [each for value in node.values() for each in _values(value, name)]
    return [each for value in node for each in _values(value, name)] if isinstance(node, list) else []
