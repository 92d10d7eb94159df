"""The pages of the dashboard as the server sends them; `test_browser` uses them in a browser."""

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from archive import MORNING, Api, Archive, prediction, problem

from edge_worker.database.access.api_key import ApiKeys
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.device_settings import DeviceSettingsTable
from edge_worker.database.engine import connect
from edge_worker.inference.device_adaptation import DeviceCalibration
from edge_worker.protocol.meaning import Hears

pytest_plugins = ["archive_fixtures"]

PROJECT = Path(__file__).parents[3]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
HOSTILE = "<script>alert(1)</script>'\"&"
HEADINGS = {
    "/": "Overview",
    "/ui/history": "History",
    "/ui/recordings/0000000000000001": "Recording",
    "/ui/exams": "Exams",
    "/ui/exams/visit-7": "Exam",
    "/ui/devices": "Devices",
    "/ui/devices/st-01": "Device st-01",
    "/ui/record": "Record",
    "/ui/upload": "Upload",
    "/ui/models": "Models",
    "/ui/agreement": "Agreement",
    "/ui/training": "Training",
    "/ui/system": "System",
    "/ui/upkeep": "Upkeep",
    "/ui/notifications": "Notifications",
}


def page(api: Api, address: str) -> str:
    answer = api.get(address, **BROWSER)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.get_data(as_text=True)


def test_a4_the_index_answers_the_latest_class_in_percent(archive: Archive) -> None:
    archive.add(1, labels={"heart2": "abnormal", "heart5": "murmur"})
    archive.add(2, labels={"heart2": "normal", "heart5": "normal"})
    api = archive.api()
    for accept in ("application/json", "*/*"):
        answer = api.get("/", Accept=accept)
        assert answer.mimetype == "application/json"
        assert "Accept" in answer.headers["Vary"]
        assert (answer.get_json()["class"], answer.get_json()["confidence"]) == ("Normal", 90.0)
    archive.add(3, labels={"digits": "six"})
    assert api.json("/")["class"] == "Six"


def test_a4_the_index_answers_null_without_an_accepted_class(archive: Archive) -> None:
    api = archive.api()
    assert (api.json("/")["class"], api.json("/")["confidence"]) == (None, None)
    archive.add(1, labels={"heart5": "normal"})
    archive.add(2, "st-02", labels={"heart5": "murmur"})
    assert api.json("/?device=st-01")["class"] == "Normal"
    assert api.json("/?device=st-02")["class"] == "Murmur"
    assert api.json("/?device=st-03")["class"] is None


@pytest.mark.parametrize(("address", "heading"), HEADINGS.items())
def test_e7_every_page_has_its_heading_the_notice_and_a_strict_policy(
    archive: Archive, address: str, heading: str
) -> None:
    archive.add(1, exam="visit-7")
    answer = archive.api().get(address, **BROWSER)
    text = answer.get_data(as_text=True)
    assert f"<h1>{heading}</h1>" in text
    assert "Research and education, not a medical device. Labels are not diagnoses." in text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", text), "the policy would stop it"


def test_every_page_is_shown_without_data(archive: Archive) -> None:
    api = archive.api()
    for address in set(HEADINGS) - {"/ui/recordings/0000000000000001", "/ui/exams/visit-7"}:
        page(api, address)


def test_data_is_escaped(archive: Archive) -> None:
    archive.add(1, labels={HOSTILE: HOSTILE})
    api = archive.api()
    for address in (
        "/ui/history",
        "/ui/recordings/0000000000000001",
        "/ui/history?label=%3Cscript%3E",
        "/ui/devices",
        "/ui/devices/st-01",
    ):
        text = page(api, address)
        assert "alert(1)</script>" not in text
        assert "<script>" not in text
        assert "&lt;script&gt;" in text


def test_e7_devices_are_listed_with_their_settings(archive: Archive) -> None:
    archive.add(1, "st-01", labels={"heart2": "abnormal"})
    api = archive.api()
    settings = {"models": ["esc50", "digits"], "gate": {"on": True, "threshold": 0.05}}
    DeviceSettingsTable(connect(archive.settings.database)).put("st-02", settings, "ann")
    rows = re.findall(r"<tr>(.*?)</tr>", page(api, "/ui/devices").split("<tbody>")[1], re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(?:<a[^>]*>|<time[^>]*>[^<]*</time>)?([^<]*)", row) for row in rows]
    assert [(each[0], each[2], each[4], each[5]) for each in cells] == [
        ("st-01", "1", "site default", "off"),
        ("st-02", "0", "Everyday sound, Spoken digit", "on"),
    ]
    assert cells[0][3].endswith(", ! Abnormal")
    text = page(api, "/ui/devices/st-02")
    assert '<option value="esc50" selected>Everyday sound</option>' in text
    assert re.findall(r'value="(\w+)" checked', text) == ["digits"]
    assert 'value="0.05"' in text
    assert "st-02" not in page(api, "/ui/devices?device=st-01").split("<main")[1]
    assert "Nothing is known of st-09." in page(api, "/ui/devices?device=st-09")
    problem(api.get("/ui/devices/No_Device"), 404)


def test_a_recording_says_how_full_the_battery_was_where_there_is_one(archive: Archive) -> None:
    archive.add(1, battery_percent=12)
    archive.add(2)
    api = archive.api()
    assert "<dt>Battery</dt><dd>12 % when it was recorded</dd>" in page(
        api, "/ui/recordings/0000000000000001"
    )
    assert "Battery" not in page(api, "/ui/recordings/0000000000000002")


def test_a_calibration_is_said_in_plain_words(archive: Archive) -> None:
    facts = {"hearts": 12, "shift": 0.7312, "calibrated_at": MORNING}
    adapted = (
        prediction("heart2", "normal", familiarity=0.412, calibration=facts),
        prediction("heart5", "normal", calibration={"outdated": True}),
        prediction("heart9", "normal"),
    )
    result = replace(archive.add(1, is_analysed=False), models=adapted)
    archive.save(result)
    tables = AdaptationTables(connect(archive.settings.database))
    tables.put("st-01", DeviceCalibration("heart2", "a" * 64, 0.7, 12, "folder", MORNING, "ann"))
    api = archive.api()
    text = page(api, "/ui/recordings/0000000000000001")
    assert text.count("resembles those that the model learned from: 41 %") == 1
    assert text.count("threshold moved by 0.7 after 12 healthy hearts") == 1
    assert text.count("belongs to another version of the model and was not applied") == 1
    device = page(api, "/ui/devices/st-01")
    assert "<dt>Calibration of Normal or abnormal heart</dt><dd>belongs to another version" in device
    stored = api.json("/api/v1/recordings/0000000000000001")["result"]["models"]
    assert [each.get("calibration") for each in stored] == [facts, {"outdated": True}, None]
    assert [each.get("familiarity") for each in stored] == [0.412, None, None]


def test_an_owner_sees_the_settings_of_one_device_and_changes_none(archive: Archive) -> None:
    archive.add(1, "st-01")
    archive.add(2, "st-02")
    api_keys = ApiKeys(archive.settings.database)
    headers = {**BROWSER, "X-API-Key": api_keys.add("ann", "owner", "st-01")}
    api_keys.close()
    api = Api(replace(archive.settings, api_auth="keys"))
    listed = api.get("/ui/devices", **headers).get_data(as_text=True)
    assert "/ui/devices/st-01" in listed
    assert "st-02" not in listed
    text = api.get("/ui/devices/st-01", **headers).get_data(as_text=True)
    assert "<dd>Kind of heart sound, Normal or abnormal heart</dd>" in text
    assert "<form id" not in text
    assert api.get("/ui/devices/st-02", **headers).status_code == 403


def test_e7_history_is_filtered_by_a_form(archive: Archive) -> None:
    archive.add(1, "st-01", labels={"heart5": "murmur"}, captured_at="2026-11-20T23:59:59.999Z")
    archive.add(2, "st-02", labels={"heart5": "normal"}, captured_at="2026-11-21T00:00:00.000Z")
    archive.add(3, "st-03", status="inconclusive", captured_at="2026-11-22T00:00:00.000Z")
    api = archive.api()

    def shown(query: str) -> list[str]:
        return re.findall(r"/ui/recordings/0{15}(\d)", page(api, f"/ui/history?{query}"))

    assert shown("device=&label=&model=&status=&from=&to=") == ["3", "2", "1"]
    assert shown("device=st-02") == ["2"]
    assert shown("label=murmur&model=heart5") == ["1"]
    assert shown("status=inconclusive") == ["3"]
    assert shown("from=2026-11-21") == ["3", "2"]
    assert shown("to=2026-11-20") == ["1"]
    assert shown("from=2026-11-21&to=2026-11-21") == ["2"]
    assert "No result passes" in page(api, "/ui/history?device=st-09")


@pytest.mark.parametrize(
    "query", ["from=2026-13-01", "to=yesterday", "status=fine", "device=A", "x=1", "to=9999-12-31"]
)
def test_an_invalid_filter_is_refused(archive: Archive, query: str) -> None:
    api, name = archive.api(), query.partition("=")[0]
    assert problem(api.get(f"/ui/history?{query}"), 400)["parameter"] == name
    answer = api.get(f"/ui/history?{query}", **BROWSER)
    assert answer.status_code == 400
    assert name in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("address", "status", "message"),
    [
        ("/ui/recordings/0000000000000001", 404, "recording"),
        ("/ui/nothing", 404, "There is nothing at this address"),
        ("/<script>", 404, "There is nothing at this address"),
        ("/ui/history?cursor=x", 400, "The cursor is not one that this history gave"),
    ],
)
def test_a_browser_gets_problems_as_pages(archive: Archive, address: str, status: int, message: str) -> None:
    api = archive.api()
    answer = api.get(address, **BROWSER)
    text = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert message in text
    assert '<a href="/">' in text
    assert "<script>" not in text
    problem(api.get(address), status)


def test_the_json_api_answers_problems_as_json_to_a_browser_too(archive: Archive) -> None:
    problem(archive.api().get("/api/v1/recordings/0000000000000001", **BROWSER), 404)


def test_the_next_page_of_the_history_keeps_the_filter(archive: Archive) -> None:
    for number in range(1, 53):
        archive.add(number)
    archive.add(99, "st-02")
    api = archive.api()
    text = page(api, "/ui/history?device=st-01")
    assert text.count("button play") == 50
    next_page = re.search(r'rel="next" href="([^"]+)"', text)
    assert next_page is not None
    text = page(api, next_page.group(1).replace("&amp;", "&"))
    assert re.findall(r"/ui/recordings/0*([0-9a-f]+)\?", text) == ["2", "1"]
    assert 'rel="next"' not in text


def test_the_navigation_has_only_pages_that_the_role_may_see(archive: Archive) -> None:
    archive.add(1, "st-01")
    archive.add(2, "st-02")
    api_keys = ApiKeys(archive.settings.database)
    api = Api(replace(archive.settings, api_auth="keys"))
    owner = {"X-API-Key": api_keys.add("bob", "owner", "st-01")}
    admin = {"X-API-Key": api_keys.add("ann", "admin")}
    api_keys.close()
    text = api.get("/ui/history", **BROWSER, **owner).get_data(as_text=True)
    assert "st-01" in text
    assert "st-02" not in text
    assert "/ui/upload" in text
    assert "/ui/training" not in text
    assert "Sign out" in text
    assert "/ui/training" in api.get("/ui/system", **BROWSER, **admin).get_data(as_text=True)
    assert api.get("/ui/history", **BROWSER).headers["Location"] == "/login"


def test_scripts_and_styles_are_cached_under_a_fingerprint(archive: Archive) -> None:
    api = archive.api()
    style = re.search(r'href="(/static/(\w+)/style.css)"', page(api, "/"))
    assert style is not None
    answer = api.get(style.group(1))
    assert (answer.mimetype, answer.status_code) == ("text/css", 200)
    assert "immutable" in answer.headers["Cache-Control"]
    assert api.get("/static/older/overview.js").headers["Cache-Control"] == "no-cache"
    for name in ("nothing.js", "..%2Fasset.py", "..%2f..%2fREADME.md"):
        problem(api.client.get(f"/static/x/{name}"), 404)


def test_no_page_and_no_script_names_another_host() -> None:
    files = [
        *(PROJECT / "history_api" / "dashboard" / "templates").iterdir(),
        *(PROJECT / "history_api" / "dashboard" / "static").iterdir(),
    ]
    assert len(files) > 10
    for path in files:
        assert not re.search(r"(https?:)?//[a-z0-9]+[.:]", path.read_text()), path.name
        assert "innerHTML" not in path.read_text(), path.name


@pytest.mark.parametrize(
    ("language", "heart", "sound"),
    [
        ("en", "too quiet: press firmer", "too quiet: come closer or raise the gain"),
        ("de", "zu leise: fester andrücken", "zu leise: näher herangehen oder die Verstärkung heben"),
    ],
)
def test_advice_is_in_the_words_and_the_language_of_who_recorded(
    archive: Archive, language: str, heart: str, sound: str
) -> None:
    for number, hears in enumerate(get_args(Hears), start=1):
        result = archive.add(number, status="inconclusive", is_analysed=False)
        models = tuple(replace(each, hears=hears, accepted=False) for each in result.models)
        archive.save(replace(result, reasons=("too_quiet",), models=models))
    api = archive.api()
    for number, said, other in ((1, heart, sound), (2, sound, heart)):
        address = f"/ui/recordings/{number:016x}"
        text = api.get(address, **BROWSER, **{"Accept-Language": language}).get_data(as_text=True)
        assert said in text
        assert other not in text
    history = api.get("/ui/history", **BROWSER, **{"Accept-Language": language}).get_data(as_text=True)
    assert heart in history
    assert sound in history


def test_only_the_page_of_a_recording_lets_a_script_add_its_style(archive: Archive) -> None:
    archive.add(1)
    api = archive.api()

    def nonces(address: str) -> list[str]:
        answer = api.get(address, **BROWSER)
        (style,) = re.findall(r"style-src ([^;]*)", answer.headers["Content-Security-Policy"])
        found = re.findall("'nonce-([^']+)'", style)
        assert all(f'data-nonce="{nonce}"' in answer.get_data(as_text=True) for nonce in found)
        return found

    first, second = nonces("/ui/recordings/0000000000000001"), nonces("/ui/recordings/0000000000000001")
    assert (len(first), len(second)) == (1, 1)
    assert first != second, "each answer has its own"
    assert nonces("/ui/history") == []


def test_scripts_and_styles_are_small() -> None:
    static = PROJECT / "history_api" / "dashboard" / "static"
    assert sum(path.stat().st_size for path in static.glob("*.css")) < 20_000
    assert sum(path.stat().st_size for path in static.glob("*.js")) < 60_000
