"""Behind a proxy: the prefix that it puts before all addresses, and the frame of Home Assistant."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from archive import Api, Archive, problem
from exam_archive import add_four
from keyed_api import KeyedApi

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

PREFIX = "/stetho"
INGRESS = "/api/hassio_ingress/Zm9v-bar_1"
PAGES = (
    *(
        "/",
        "/ui/history",
        "/ui/exams",
        "/ui/devices",
        "/ui/devices/st-01",
        "/ui/upload",
        "/ui/models",
        "/ui/agreement",
    ),
    *("/ui/training", "/ui/system", "/ui/upkeep", "/ui/nothing", "/login", "/ui/recordings/0000000000000001"),
)
ADDRESS = re.compile(r'\b(?:href|src|action)="(/[^"]*)"')


def page(keyed: KeyedApi, address: str, **headers: str) -> str:
    sent = {"Accept": "text/html", "X-API-Key": keyed.keys["admin"]}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return keyed.api.client.get(address, headers=sent).get_data(as_text=True)


@pytest.fixture
def keyed(tmp_path: Path) -> KeyedApi:
    keyed = KeyedApi(tmp_path, api_proxy=1, api_rate=0)
    keyed.archive.add(2, "st-01")
    return keyed


@pytest.mark.parametrize("address", PAGES)
def test_every_address_in_a_page_has_the_prefix(keyed: KeyedApi, address: str) -> None:
    for header, prefix in (("X_Forwarded_Prefix", PREFIX), ("X_Ingress_Path", INGRESS)):
        found = ADDRESS.findall(page(keyed, address, **{header: prefix}))
        assert len(found) > 1
        assert [each for each in found if not each.startswith(f"{prefix}/")] == []
        assert [each for each in found if each.startswith(prefix * 2)] == []
    plain = ADDRESS.findall(page(keyed, address))
    assert [each for each in plain if each.startswith((PREFIX, INGRESS))] == []


def test_the_addresses_of_an_exam_have_it_too(keyed: KeyedApi) -> None:
    add_four(keyed.archive, "st-03")
    (exam,) = keyed.ask("/api/v1/exams", role="admin").get_json()["items"]
    found = ADDRESS.findall(page(keyed, f"/ui/exams/{exam['exam']}", X_Forwarded_Prefix=PREFIX))
    assert any("/report.pdf" in each for each in found)
    assert [each for each in found if not each.startswith(f"{PREFIX}/")] == []


def test_addresses_in_headers_and_the_cookie_have_the_prefix(keyed: KeyedApi) -> None:
    client, prefix = keyed.api.client, {"X-Forwarded-Prefix": PREFIX}
    sent = client.get("/", headers=prefix | {"Accept": "text/html"})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{PREFIX}/login")
    own = prefix | {"Origin": "http://localhost"}
    begun = client.post("/login", data={"key": keyed.keys["operator"]}, headers=own)
    assert begun.headers["Location"] == f"{PREFIX}/"
    assert f"Path={PREFIX};" in begun.headers["Set-Cookie"]
    ended = client.post("/logout", headers=own)
    assert f"Path={PREFIX}" in ended.headers["Set-Cookie"]
    key = prefix | {"X-API-Key": keyed.keys["operator"]}
    assert client.get("/api/v1/results?limit=1", headers=key).headers["Link"].startswith(f"<{PREFIX}/api/v1/")
    assert client.get("/openapi.json", headers=prefix).get_json()["servers"] == [{"url": PREFIX}]
    bundle = client.get("/api/v1/recordings/0000000000000002/fhir.json", headers=key).get_data(as_text=True)
    assert f"http://localhost{PREFIX}/api/v1/recordings/" in bundle


@pytest.mark.parametrize(
    "prefix",
    [
        *("//evil.example", "https://evil.example", "/a//b", "stetho", "/a/../b", "/..", "/.", "/a b", "/ä"),
        *('/"><script>', "/a?b", "/a#b", "/", "", "/a\\b", "/" + "a" * 300, "javascript:alert(1)"),
    ],
)
def test_what_is_no_prefix_is_ignored(keyed: KeyedApi, prefix: str) -> None:
    environ = {"HTTP_X_FORWARDED_PREFIX": prefix.encode().decode("latin-1"), "HTTP_ACCEPT": "text/html"}
    answer = keyed.api.client.get("/", environ_overrides=environ)
    assert answer.headers["Location"] == "/login"


def test_without_a_configured_proxy_nothing_is_believed(tmp_path: Path) -> None:
    keyed = KeyedApi(tmp_path, api_rate=0)
    headers = {"X-Forwarded-Prefix": PREFIX, "X-Ingress-Path": INGRESS, "X-Forwarded-Host": "evil.example"}
    answer = keyed.api.client.get("/login", headers=headers)
    assert set(ADDRESS.findall(answer.get_data(as_text=True))) > {"/login"}
    assert [each for each in ADDRESS.findall(answer.get_data(as_text=True)) if each.startswith(PREFIX)] == []
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_only_home_assistant_shows_the_pages_in_a_frame(keyed: KeyedApi) -> None:
    for headers, ancestors in (
        ({"X-Ingress-Path": INGRESS}, "'self'"),
        ({"X-Forwarded-Prefix": PREFIX}, "'none'"),
        ({"X-Ingress-Path": "//evil.example"}, "'none'"),
    ):
        policy = keyed.api.client.get("/login", headers=headers).headers["Content-Security-Policy"]
        assert f"frame-ancestors {ancestors}" in policy


def test_the_host_name_that_a_proxy_saw_is_that_of_our_pages(keyed: KeyedApi) -> None:
    seen = {"X-Forwarded-Host": "home.example:8123", "X-Ingress-Path": INGRESS}
    for origin, status in (("http://home.example:8123", 303), ("http://localhost", 403)):
        form = {"key": keyed.keys["operator"]}
        answer = keyed.api.client.post("/login", data=form, headers=seen | {"Origin": origin})
        assert answer.status_code == status


def test_without_keys_the_host_name_of_a_proxy_is_not_believed(tmp_path: Path) -> None:
    api = Api(replace(Archive(tmp_path).settings, api_proxy=1))
    answer = api.client.get("/health", headers={"Host": "evil.example", "X-Forwarded-Host": "localhost"})
    problem(answer, 403)
