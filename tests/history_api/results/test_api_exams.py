"""Exams over HTTP: the document of an exam, the list, filters and access."""

import re
from dataclasses import replace

import pytest
from archive import Api, Archive, problem
from exam_archive import ADDRESS, add_evidence, add_four, review

from edge_worker.database.access.api_key import ApiKeys
from edge_worker.protocol.exam_position import POSITION_REASONS

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

BROWSER = {"Accept": "text/html"}


def test_e8_an_exam_follows_reviews_and_deletions_of_its_recordings(archive: Archive, api: Api) -> None:
    add_four(archive)
    archive.add(9, labels={"heart5": "murmur"})
    exam = api.json(ADDRESS)
    assert (exam["label"], exam["missing"], exam["recordings"]) == ("normal", [], 4)
    etag = api.get(ADDRESS).headers["ETag"]
    assert api.get(ADDRESS, If_None_Match=etag).status_code == 304
    review(api, 3, "rejected")
    exam = api.json(ADDRESS)
    assert (exam["label"], exam["missing"]) == ("inconclusive", ["TV"])
    assert exam["positions"][2]["hint"] == POSITION_REASONS["rejected"]
    assert api.get(ADDRESS, If_None_Match=etag).status_code == 200
    assert api.ask("DELETE", "/api/v1/recordings/0000000000000004").status_code == 204
    assert api.json(ADDRESS)["missing"] == ["TV", "MV"]


def test_e8_an_exam_has_a_probability_and_the_evidence_of_each_position(archive: Archive, api: Api) -> None:
    add_evidence(archive, AV=0.05, PV=0.3, TV=0.5, MV=0.05)
    exam = api.json(ADDRESS)
    assert exam["label"] == "normal"
    assert exam["confidence"] == pytest.approx(1 - exam["probability"])
    assert [each["evidence"] for each in exam["positions"]] == [-2.944, -0.847, 0.0, -2.944]
    review(api, 1, "rejected")
    rejected = api.json(ADDRESS)
    assert (rejected["label"], rejected["confidence"]) == ("inconclusive", None)
    assert rejected["positions"][0]["evidence"] is None
    assert rejected["probability"] > exam["probability"]


def test_an_exam_of_results_without_evidence_has_no_probability(archive: Archive, api: Api) -> None:
    add_four(archive, MV="murmur")
    exam = api.json(ADDRESS)
    assert (exam["label"], exam["confidence"], exam["probability"]) == ("abnormal", 0.9, None)
    assert exam["carried_by"] == {"site": "MV", "name": "mitral", "recording_id": "0000000000000004"}
    assert {each["evidence"] for each in exam["positions"]} == {None}


def test_an_exam_ends_with_its_last_recording(archive: Archive, api: Api) -> None:
    archive.add(1, site="AV", exam="visit-7")
    assert api.json("/api/v1/exams")["items"][0]["exam"] == "visit-7"
    api.ask("DELETE", "/api/v1/recordings/0000000000000001")
    problem(api.get(ADDRESS), 404)
    assert api.json("/api/v1/exams") == {"items": [], "next": None}


@pytest.mark.parametrize("exam", ["visit-8", "Visit-7", "..%2fx", "%00", "a" * 33])
@pytest.mark.parametrize("suffix", ["", "/report.pdf", "/fhir.json"])
def test_an_unknown_exam_is_a_404(archive: Archive, api: Api, exam: str, suffix: str) -> None:
    add_four(archive)
    problem(api.get(f"/api/v1/exams/{exam}{suffix}"), 404)


def test_an_id_that_devices_share_needs_the_device(archive: Archive, api: Api) -> None:
    add_four(archive)
    add_four(archive, "st-02", MV="murmur")
    for suffix in ("", "/report.pdf", "/fhir.json"):
        assert problem(api.get(ADDRESS + suffix), 409)["devices"] == ["st-01", "st-02"]
    assert api.json(f"{ADDRESS}?device=st-01")["label"] == "normal"
    assert api.json(f"{ADDRESS}?device=st-02")["label"] == "abnormal"
    assert api.json(api.json(f"{ADDRESS}?device=st-02")["links"]["self"])["device_id"] == "st-02"
    problem(api.get(f"{ADDRESS}?device=st-03"), 404)


def test_pages_of_exams_follow_their_link(archive: Archive, api: Api) -> None:
    for number in range(1, 6):
        archive.add(number, f"st-{number % 2}", exam=f"e{number}")
    first = api.get("/api/v1/exams?limit=2")
    assert [each["exam"] for each in first.get_json()["items"]] == ["e5", "e4"]
    link = re.fullmatch(r'<(.+)>; rel="next"', first.headers["Link"])
    assert link is not None
    second = api.json(link[1])
    assert [each["exam"] for each in second["items"]] == ["e3", "e2"]
    assert [each["exam"] for each in api.json(f"/api/v1/exams?limit=2&cursor={second['next']}")["items"]] == [
        "e1"
    ]
    assert [each["exam"] for each in api.json("/api/v1/exams?device=st-0")["items"]] == ["e4", "e2"]
    problem(api.get("/api/v1/exams?cursor=x"), 400)
    problem(api.get("/api/v1/exams?cursor=0"), 400)


def test_results_are_filtered_by_exam_and_the_csv_names_it(archive: Archive, api: Api) -> None:
    add_four(archive, PV="murmur")
    archive.add(9)
    items = api.json("/api/v1/results?exam=visit-7")["items"]
    assert [each["recording_id"][-1] for each in items] == ["4", "3", "2", "1"]
    assert {each["exam"] for each in items} == {"visit-7"}
    one = api.json("/api/v1/results?exam=visit-7&label=murmur&sort=captured_at")["items"]
    assert [each["site"] for each in one] == ["PV"]
    assert problem(api.get("/api/v1/results?exam=Visit"), 400)["parameter"] == "exam"
    lines = api.get("/api/v1/results.csv?exam=visit-7").get_data(as_text=True).splitlines()
    assert len(lines) == 5
    assert lines[0].endswith(",models_disagree,subject,review,corrected_to,reviewer")
    ends = [",visit-7,normal,none,false,,,,"] * 3
    ends.insert(2, ",visit-7,murmur,finding,false,,,,")
    assert all(line.endswith(end) for line, end in zip(lines[1:], ends, strict=True))


def test_an_owner_sees_the_exams_of_one_device(archive: Archive) -> None:
    add_four(archive)
    add_four(archive, "st-02")
    api_keys = ApiKeys(archive.settings.database)
    owner = {"X-API-Key": api_keys.add("bob", "owner", "st-02")}
    api_keys.close()
    api = Api(replace(archive.settings, api_auth="keys"))
    assert [each["device_id"] for each in api.get("/api/v1/exams", **owner).get_json()["items"]] == ["st-02"]
    assert api.get(ADDRESS, **owner).get_json()["device_id"] == "st-02"
    assert api.get(f"{ADDRESS}/fhir.json", **owner).status_code == 200
    assert "st-01" not in api.get("/ui/exams", **BROWSER, **owner).get_data(as_text=True)
    problem(api.get(f"{ADDRESS}?device=st-01", **owner), 403)
    problem(api.get(ADDRESS), 401)
