"""Exams over HTTP: the document, the report, the Bundle and the pages."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from archive import Api, Archive, problem
from fhir.resources.R4B.bundle import Bundle
from pypdf import PdfReader

from edge_worker.database.api_keys import ApiKeys
from edge_worker.protocol.exam import LABEL_RULE, POSITION_REASONS
from edge_worker.protocol.result import Quality
from history_api.pictures.notice import LABEL_NOTICE

ADDRESS = "/api/v1/exams/visit-7"
BROWSER = {"Accept": "text/html"}
SITES = ("AV", "PV", "TV", "MV")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


@pytest.fixture
def api(archive: Archive) -> Api:
    return archive.api()


def add_four(archive: Archive, device: str = "st-01", **labels: str) -> None:
    """Store an exam of four recordings, normal where nothing else is said."""
    for number, site in enumerate(SITES, start=1):
        archive.add(number, device, labels={"heart5": labels.get(site, "normal")}, site=site, exam="visit-7")


def add_noisy(archive: Archive, number: int, site: str) -> None:
    stored = archive.add(number, site=site, exam="visit-7", is_analysed=False)
    quality = Quality(False, None, 0.0, ("noisy",))
    archive.save(replace(stored, status="inconclusive", reasons=("noisy",), quality=quality, models=()))


def review(api: Api, number: int, verdict: str, device: str = "st-01") -> None:
    """Say what a person says, over HTTP."""
    address = f"/api/v1/recordings/{number:016x}/review?device={device}"
    answer = api.client.put(address, json={"verdict": verdict}, headers={"If-Match": '"0"'})
    assert answer.status_code == 200, answer.get_data()


def text_of(api: Api, address: str) -> str:
    answer = api.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf"), answer.get_data()
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.get_data())).pages)


def bundle(api: Api) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Return the report and all resources by type of a valid Bundle."""
    answer = api.get(f"{ADDRESS}/fhir.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/fhir+json")
    document = answer.get_json()
    Bundle.model_validate(document)
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in document["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    urls = [entry["fullUrl"] for entry in document["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(re.findall(r'"reference": "([^"]+)"', json.dumps(document))) <= set(urls)
    (report,) = found["DiagnosticReport"]
    return report, found


def page(api: Api, address: str) -> str:
    answer = api.get(address, **BROWSER)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.get_data(as_text=True)


def test_e8_an_exam_is_what_its_recordings_say_now(archive: Archive, api: Api) -> None:
    add_four(archive)
    archive.add(9, labels={"heart5": "murmur"})
    found = api.json(ADDRESS)
    assert (found["label"], found["missing"], found["recordings"]) == ("normal", [], 4)
    etag = api.get(ADDRESS).headers["ETag"]
    assert api.get(ADDRESS, If_None_Match=etag).status_code == 304
    review(api, 3, "rejected")
    found = api.json(ADDRESS)
    assert (found["label"], found["missing"]) == ("inconclusive", ["TV"])
    assert found["positions"][2]["hint"] == POSITION_REASONS["rejected"]
    assert api.get(ADDRESS, If_None_Match=etag).status_code == 200
    assert api.ask("DELETE", "/api/v1/recordings/0000000000000004").status_code == 204
    assert api.json(ADDRESS)["missing"] == ["TV", "MV"]


def test_the_last_recording_takes_the_exam_with_it(archive: Archive, api: Api) -> None:
    archive.add(1, site="AV", exam="visit-7")
    assert api.json("/api/v1/exams")["items"][0]["exam"] == "visit-7"
    api.ask("DELETE", "/api/v1/recordings/0000000000000001")
    problem(api.get(ADDRESS), 404)
    assert api.json("/api/v1/exams") == {"items": [], "next": None}


@pytest.mark.parametrize("exam", ["visit-8", "Visit-7", "..%2fx", "%00", "a" * 33])
@pytest.mark.parametrize("what", ["", "/report.pdf", "/fhir.json"])
def test_an_exam_that_is_not_there_is_a_404(archive: Archive, api: Api, exam: str, what: str) -> None:
    add_four(archive)
    problem(api.get(f"/api/v1/exams/{exam}{what}"), 404)


def test_an_id_that_devices_share_needs_the_device(archive: Archive, api: Api) -> None:
    add_four(archive)
    add_four(archive, "st-02", MV="murmur")
    for what in ("", "/report.pdf", "/fhir.json"):
        assert problem(api.get(ADDRESS + what), 409)["devices"] == ["st-01", "st-02"]
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
    assert all(line.endswith(",visit-7") for line in lines[1:])


def test_an_owner_sees_the_exams_of_one_device(archive: Archive) -> None:
    add_four(archive)
    add_four(archive, "st-02")
    keyring = ApiKeys(archive.settings.database)
    owner = {"X-API-Key": keyring.add("bob", "owner", "st-02")}
    keyring.close()
    api = Api(replace(archive.settings, api_auth="keys"))
    assert [each["device_id"] for each in api.get("/api/v1/exams", **owner).get_json()["items"]] == ["st-02"]
    assert api.get(ADDRESS, **owner).get_json()["device_id"] == "st-02"
    assert api.get(f"{ADDRESS}/fhir.json", **owner).status_code == 200
    assert "st-01" not in api.get("/ui/exams", **BROWSER, **owner).get_data(as_text=True)
    problem(api.get(f"{ADDRESS}?device=st-01", **owner), 403)
    problem(api.get(ADDRESS), 401)


def test_d4_report_of_an_exam_names_what_is_missing(archive: Archive, api: Api) -> None:
    add_four(archive, PV="murmur")
    archive.add(8, site="MV", exam="visit-7", is_analysed=False)
    review(api, 3, "rejected")
    text = text_of(api, f"{ADDRESS}/report.pdf")
    for said in (
        "visit-7 of device st-01",
        "3 of 4 usable, 5 recordings",
        "TV (tricuspid)",
        POSITION_REASONS["rejected"],
        "72 beats per minute (median)",
        "heart5 murmur",
        "At PV",
        f"{2:016x}",
        f"SHA-256 {'f' * 64}",
    ):
        assert said in text, said
    assert "At TV" not in text
    assert LABEL_RULE[:40] in text
    first = api.get(f"{ADDRESS}/report.pdf")
    reader = PdfReader(io.BytesIO(first.get_data()))
    assert all(LABEL_NOTICE in sheet.extract_text() for sheet in reader.pages)
    assert sum(len(sheet.images) for sheet in reader.pages) == 3, "a spectrogram of each that counts"
    assert api.get(f"{ADDRESS}/report.pdf").get_data() == first.get_data()
    assert api.get(f"{ADDRESS}/report.pdf", If_None_Match=first.headers["ETag"]).status_code == 304
    review(api, 1, "confirmed")
    assert api.get(f"{ADDRESS}/report.pdf", If_None_Match=first.headers["ETag"]).status_code == 200


def test_an_exam_without_a_usable_recording_has_a_report_a_bundle_and_a_page(
    archive: Archive, api: Api
) -> None:
    archive.add(1, site="AV", exam="visit-7", is_analysed=False)
    assert POSITION_REASONS["analysing"] in text_of(api, f"{ADDRESS}/report.pdf")
    report, found = bundle(api)
    assert report["status"] == "registered"
    assert "Media" not in found
    assert (
        "Missing positions: AV (aortic), PV (pulmonary), TV (tricuspid), MV (mitral)." in report["conclusion"]
    )
    assert POSITION_REASONS["analysing"] in page(api, "/ui/exams/visit-7")
    add_noisy(archive, 2, "PV")
    report, _ = bundle(api)
    assert report["status"] == "preliminary"
    assert POSITION_REASONS["noisy"] in text_of(api, f"{ADDRESS}/report.pdf")


def test_e8_bundle_of_an_exam_has_one_report_over_the_recordings_that_count(
    archive: Archive, api: Api
) -> None:
    add_four(archive, PV="murmur")
    add_noisy(archive, 9, "TV")
    report, found = bundle(api)
    assert len(found["Device"]) == 1
    assert len(found["Media"]) == 4
    assert {each["bodySite"]["text"] for each in found["Media"]} == {
        *("aortic area", "pulmonary area", "tricuspid area", "mitral area")
    }
    assert len(found["Observation"]) == len(report["result"]) == 10
    assert report["conclusion"].startswith("Exam: abnormal. AV: normal. PV: abnormal.")
    assert report["conclusion"].endswith(f"Missing positions: none. {LABEL_NOTICE}")
    (label,) = [
        each for each in found["Observation"] if each["code"]["text"] == "Label of the sounds of an exam"
    ]
    assert label["valueCodeableConcept"] == {"text": "abnormal"}
    assert len(label["derivedFrom"]) == 4
    rates = [each for each in found["Observation"] if each["code"]["text"] == "Heart rate"]
    assert [each["valueQuantity"]["value"] for each in rates] == [72.0] * 5
    (median,) = [each for each in rates if "method" in each]
    assert len(median["derivedFrom"]) == 4
    own = api.get("/api/v1/recordings/0000000000000002/fhir.json").get_json()
    ids = {
        each["resource"]["id"]
        for each in own["entry"]
        if each["resource"]["resourceType"] != "DiagnosticReport"
    }
    assert ids <= {each["id"] for group in found.values() for each in group}, "as in its own Bundle"


def test_e8_an_exam_is_final_when_a_person_confirmed_all_that_counts(archive: Archive, api: Api) -> None:
    add_four(archive)
    for number in range(1, 4):
        review(api, number, "confirmed")
    assert bundle(api)[0]["status"] == "preliminary"
    review(api, 4, "confirmed")
    report, found = bundle(api)
    assert {each["status"] for each in (report, *found["Observation"])} == {"final"}


def test_e8_an_exam_that_cannot_tell_has_no_label(archive: Archive, api: Api) -> None:
    archive.add(1, site="AV", exam="visit-7")
    report, found = bundle(api)
    (label,) = [each for each in found["Observation"] if each["code"]["text"].startswith("Label of the")]
    assert "valueCodeableConcept" not in label
    assert label["dataAbsentReason"]["text"] == "cannot tell"
    assert "Exam: cannot tell. AV: normal. Missing positions: PV (pulmonary)," in report["conclusion"]


def test_e8_codes_of_a_site_are_used_for_exams(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    add_four(archive)
    path = tmp_path / "codes.json"
    path.write_text(json.dumps({"exam": {"text": "Abhören"}, "exam_label": {"text": "Befund"}}))
    report, found = bundle(Api(replace(archive.settings, fhir_codes=path)))
    assert report["code"] == {"text": "Abhören"}
    assert "Befund" in {each["code"]["text"] for each in found["Observation"]}


def test_e7_page_of_an_exam_shows_four_positions_on_a_chest(archive: Archive, api: Api) -> None:
    add_four(archive, AV="murmur", PV="artifact")
    review(api, 3, "rejected")
    text = page(api, "/ui/exams/visit-7?device=st-01")
    assert re.findall(r'data-state="(\w+)"', text) == ["abnormal", "unsure", "missing", "normal"]
    assert 'aria-label="AV: abnormal. PV: unsure. TV: missing. MV: normal. "' in text
    assert "Missing: TV (tricuspid)" in text
    assert "<h3>Abnormal</h3>" in text
    assert f"/ui/recordings/{1:016x}?device=st-01" in text
    assert f"{ADDRESS}/report.pdf?device=st-01" in text
    assert "♥ 72 beats per minute" in text
    assert "/ui/exams/visit-7?device=st-01" in page(api, f"/ui/recordings/{1:016x}")
    assert "/ui/exams/visit-7?device=st-01" in page(api, "/ui/history")
    problem(api.get("/ui/exams/visit-8"), 404)


def test_e7_list_of_exams_leads_to_each_and_goes_on(archive: Archive, api: Api) -> None:
    assert "No recording belongs to an exam" in page(api, "/ui/exams")
    for number in range(1, 53):
        archive.add(number, exam=f"e{number}")
    assert "No recording of st-09 belongs" in page(api, "/ui/exams?device=st-09")
    assert "/ui/exams/e52" in page(api, "/ui/exams?device=")
    text = page(api, "/ui/exams?device=st-01")
    assert re.findall(r'href="/ui/exams/(e\d+)\?device=st-01"', text) == [f"e{n}" for n in range(52, 2, -1)]
    following = re.search(r'rel="next" href="([^"]+)"', text)
    assert following is not None
    assert re.findall(r'href="/ui/exams/(e\d+)\?', page(api, following[1].replace("&amp;", "&"))) == [
        "e2",
        "e1",
    ]


def test_a_site_from_outside_is_text(archive: Archive, api: Api) -> None:
    archive.add(1, site="<b>'\"&", exam="visit-7")
    assert "&lt;b&gt;" in page(api, "/ui/exams/visit-7")
    assert "<b>" not in page(api, "/ui/exams/visit-7")
    assert text_of(api, f"{ADDRESS}/report.pdf")
    bundle(api)
