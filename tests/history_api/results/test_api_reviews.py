"""Reviews of results by people, over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
from archive import Api, Archive, problem
from werkzeug.test import TestResponse

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

ADDRESS = "/api/v1/recordings/0000000000000001"
REVIEW = f"{ADDRESS}/review"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path)
    archive.add(1)
    return archive


@pytest.fixture
def api(archive: Archive) -> Api:
    return archive.api()


def put(api: Api, document: object = None, **headers: str) -> TestResponse:
    body = json.dumps({"verdict": "confirmed"} if document is None else document).encode()
    return api.ask("PUT", REVIEW, body, **{"Content_Type": "application/json", **headers})


def test_c6_a_review_is_part_of_its_recording(api: Api) -> None:
    assert api.json(ADDRESS)["review"] is None
    assert api.json(REVIEW) is None
    answer = put(api, {"verdict": "rejected", "note": "voices,\nno heart"}, If_Match='"0"')
    review: dict[str, Any] = answer.get_json()
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert review | {"reviewed_at": ""} == {
        "verdict": "rejected",
        "note": "voices,\nno heart",
        "reviewer": "anonymous",
        "reviewed_at": "",
        "version": 1,
        **dict.fromkeys(("finding", "model", "label", "severity")),
        **{"said_model": "heart5", "said_version": "1.0.0", "said_label": "normal"},
    }
    assert api.json(REVIEW) == api.json(ADDRESS)["review"] == review
    assert [each["recording_id"][-1] for each in api.json("/api/v1/results?reviewed=rejected")["items"]] == [
        "1"
    ]


def test_a_review_says_what_the_heart_is_or_leaves_it_open(api: Api) -> None:
    known = put(api, {"verdict": "confirmed", "finding": "abnormal"}, If_Match='"0"').get_json()
    assert known["finding"] == api.json(REVIEW)["finding"] == "abnormal"
    assert put(api, {"verdict": "confirmed"}, If_Match='"1"').get_json()["finding"] is None
    problem(put(api, {"verdict": "confirmed", "finding": "murmur"}, If_Match='"2"'), 400)


def test_a_client_that_has_not_seen_a_review_does_not_overwrite_it(api: Api) -> None:
    problem(put(api), 428)
    put(api, If_None_Match="*")
    for headers in (
        {"If_None_Match": "*"},
        {"If_Match": '"0"'},
        {"If_Match": '"2"'},
        {"If_Match": "nonsense"},
    ):
        answer = put(api, {"verdict": "rejected"}, **headers)
        assert problem(answer, 412)["review"]["verdict"] == "confirmed"
        assert answer.headers["ETag"] == '"1"'
    assert put(api, {"verdict": "rejected"}, If_Match='"1"').headers["ETag"] == '"2"'
    assert put(api, If_Match="*").headers["ETag"] == '"3"'


def test_of_two_writers_that_saw_the_same_version_one_is_refused(archive: Archive, api: Api) -> None:
    reviews = api.app.extensions["stetho"].reviews
    review = {"verdict": "confirmed", "note": "", "reviewer": "ann"}
    for expected in (0, 1):
        assert reviews.save("st-01", "0000000000000001", **review, expected=expected)
        assert not reviews.save("st-01", "0000000000000001", **review, expected=expected)
    assert not reviews.withdraw("st-01", "0000000000000001", expected=1)


def test_a_review_is_withdrawn(api: Api) -> None:
    put(api, If_Match='"0"')
    problem(api.ask("DELETE", REVIEW), 428)
    problem(api.ask("DELETE", REVIEW, If_Match='"0"'), 412)
    assert api.ask("DELETE", REVIEW, If_Match='"1"').status_code == 204
    assert api.json(REVIEW) is None
    assert api.ask("DELETE", REVIEW, If_Match='"0"').status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", None),
        (b"{", None),
        (b"\xff", None),
        (b"[" * 60_000, None),
        (b"[]", "/"),
        (b"{}", "/"),
        (b'{"verdict":"maybe"}', "/verdict"),
        (b'{"verdict":"confirmed","grade":1}', "/"),
        (b'{"verdict":"confirmed","note":5}', "/note"),
        (b'{"verdict":"confirmed","note":"a\\u0000b"}', "/note"),
        (json.dumps({"verdict": "confirmed", "note": "x" * 1001}).encode(), "/note"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_invalid_body_is_a_400(api: Api, body: bytes, pointer: str | None) -> None:
    answer = api.ask("PUT", REVIEW, body, Content_Type="application/json", If_Match='"0"')
    document = problem(answer, 400)
    assert document.get("pointer") == pointer
    assert len(document["detail"]) < 400
    assert api.json(REVIEW) is None


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_a_415(api: Api, media_type: str) -> None:
    problem(put(api, Content_Type=media_type, If_Match='"0"'), 415)


def test_only_an_analysed_recording_is_reviewed(archive: Archive, api: Api) -> None:
    archive.add(2, is_analysed=False)
    headers = {"Content_Type": "application/json", "If_Match": '"0"'}
    body = b'{"verdict":"confirmed"}'
    answer = api.ask("PUT", "/api/v1/recordings/0000000000000002/review", body, **headers)
    problem(answer, 409)
    assert "Retry-After" in answer.headers
    problem(api.ask("PUT", "/api/v1/recordings/0000000000000003/review", body, **headers), 404)
    archive.add(1, "st-02")
    assert problem(api.ask("PUT", REVIEW, body, **headers), 409)["devices"] == ["st-01", "st-02"]
    assert api.ask("PUT", f"{REVIEW}?device=st-02", body, **headers).status_code == 200
    assert api.json(f"{REVIEW}?device=st-01") is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_review_without_a_database_is_a_503(tmp_path: Path, api: Api) -> None:
    (tmp_path / "stetho.db").unlink()
    problem(put(api, If_Match='"0"'), 503)


# --- corrections ------------------------------------------------------------------------------------


def test_a_reviewer_corrects_a_result_to_another_label(archive: Archive, api: Api) -> None:
    archive.add(2)
    review = put(api, {"verdict": "corrected", "label": "murmur"}, If_Match='"0"').get_json()
    assert (review["model"], review["label"], review["severity"]) == ("heart5", "murmur", "finding")
    recording = api.json(ADDRESS)
    assert (recording["review"], recording["result"]["verdict"]["label"]) == (review, "normal")
    for query in ("reviewed=corrected", "corrected_to=murmur"):
        found = api.json(f"/api/v1/results?{query}")["items"]
        assert [each["recording_id"][-1] for each in found] == ["1"]
    header, *rows = api.get("/api/v1/results.csv?sort=captured_at").text.splitlines()
    assert header.endswith(",review,corrected_to,reviewer")
    assert rows[0].endswith(",corrected,murmur,anonymous")
    assert rows[1].endswith(",,,")
    lines = api.get("/api/v1/results.ndjson?sort=captured_at").text.splitlines()
    assert [json.loads(each).get("review") for each in lines] == [review, None]
    assert api.json("/api/v1/results?corrected_to=murmur")["items"][0]["review"] == review


@pytest.mark.parametrize(
    "body",
    [
        {"verdict": "corrected"},
        {"verdict": "corrected", "label": "dog_of_nobody"},
        {"verdict": "corrected", "label": "murmur", "model": "heart2"},
        {"verdict": "corrected", "label": "murmur", "model": "heart9"},
        {"verdict": "corrected", "label": "normal", "model": "heart5"},
        {"verdict": "confirmed", "label": "murmur"},
    ],
    ids=str,
)
def test_a_correction_names_a_label_of_a_model_that_is_not_the_answer(api: Api, body: dict[str, str]) -> None:
    assert problem(put(api, body, If_Match='"0"'), 400)["pointer"] in ("/", "/label")
    assert api.json(REVIEW) is None


def test_all_reviews_of_a_recording_are_kept(api: Api) -> None:
    put(api, {"verdict": "confirmed"}, If_Match='"0"')
    put(api, {"verdict": "corrected", "label": "murmur", "note": "grade 2"}, If_Match='"1"')
    api.ask("DELETE", REVIEW, If_Match='"2"')
    put(api, {"verdict": "rejected"}, If_Match='"0"')
    history = api.json(f"{REVIEW}/history")
    verdicts = [(each["verdict"], each["label"], each["note"]) for each in history]
    assert verdicts == [
        ("confirmed", None, ""),
        ("corrected", "murmur", "grade 2"),
        ("withdrawn", None, ""),
        ("rejected", None, ""),
    ]


@pytest.mark.parametrize(("language", "words"), [("en", "Corrected by a reviewer"), ("de", "berichtigt zu")])
def test_pages_show_the_correction_beside_the_answer_of_the_machine(
    api: Api, language: str, words: str
) -> None:
    put(api, {"verdict": "corrected", "label": "murmur"}, If_Match='"0"')
    headers = {"Accept": "text/html", "Accept_Language": language}
    devices = ("/ui/devices", "/ui/devices/st-01")
    for address in ("/ui/recordings/0000000000000001", "/ui/history?reviewed=corrected", *devices):
        assert words in api.get(address, **headers).text
    for address in ("/ui/recordings/0000000000000001", "/ui/history?reviewed=corrected"):
        page = api.get(address, **headers).text
        assert 'data-severity="none"' in page  # what the machine said is not hidden


def test_a_correction_amends_the_fhir_report_and_counts_in_an_exam(archive: Archive, api: Api) -> None:
    archive.add(3, exam="visit-7", labels={"heart5": "normal"})
    address = "/api/v1/recordings/0000000000000003"
    body = json.dumps({"verdict": "corrected", "label": "murmur"}).encode()
    api.ask("PUT", f"{address}/review", body, Content_Type="application/json", If_Match='"0"')
    resources = [each["resource"] for each in api.json(f"{address}/fhir.json")["entry"]]
    report = next(each for each in resources if each["resourceType"] == "DiagnosticReport")
    of_label = next(each for each in resources if "component" in each)
    assert (report["status"], of_label["status"]) == ("amended", "amended")
    assert report["conclusionCode"] == [of_label["valueCodeableConcept"]]
    assert "The model said: " in of_label["note"][-1]["text"]
    assert api.get(f"{address}/report.pdf").status_code == 200
    exam = api.json("/api/v1/exams/visit-7")
    assert (exam["label"], exam["confidence"]) == ("abnormal", None)
    body = json.dumps({"verdict": "corrected", "label": "siren"}).encode()
    review = api.ask("PUT", f"{address}/review", body, Content_Type="application/json", If_Match='"1"')
    assert (review.get_json()["model"], review.get_json()["severity"]) == ("esc50", "unknown")
    assert api.json("/api/v1/exams/visit-7")["label"] == "inconclusive"  # a siren is no heart
