"""PDF report and FHIR Bundle of an exam."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from archive import Api, Archive
from exam_archive import ADDRESS, EXAM, SITES, add_evidence, add_four, add_noisy, review
from fhir_validation import validate_bundle
from pypdf import PdfReader

from edge_worker.protocol.exam import LABEL_RULE
from edge_worker.protocol.exam_position import POSITION_REASONS
from history_api.pictures.notice import LABEL_NOTICE
from history_api.results import exam_words

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

Resources = dict[str, list[dict[str, Any]]]


def report_text(api: Api) -> str:
    answer = api.get(f"{ADDRESS}/report.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf"), answer.get_data()
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.get_data())).pages)


def bundle(api: Api) -> tuple[dict[str, Any], Resources]:
    """Return the DiagnosticReport, and all resources by type, of a valid Bundle."""
    answer = api.get(f"{ADDRESS}/fhir.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/fhir+json")
    document = answer.get_json()
    validate_bundle(document)
    by_type: Resources = {}
    for entry in document["entry"]:
        by_type.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    urls = [entry["fullUrl"] for entry in document["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(re.findall(r'"reference": "([^"]+)"', json.dumps(document))) <= set(urls)
    (report,) = by_type["DiagnosticReport"]
    return report, by_type


def test_d4_report_of_an_exam_names_what_is_missing(archive: Archive, api: Api) -> None:
    add_four(archive, PV="murmur")
    archive.add(8, site="MV", exam="visit-7", is_analysed=False)
    review(api, 3, "rejected")
    text = report_text(api)
    for expected in (
        "visit-7 of device st-01",
        "3 of 4 usable, 5 recordings",
        "TV (tricuspid)",
        POSITION_REASONS["rejected"],
        "72 beats per minute (median)",
        "Abnormal: needs attention, 90 %",
        "One position alone makes it so: PV (pulmonary).",
        "At PV",
        f"{2:016x}",
        f"SHA-256 {'f' * 64}",
    ):
        assert expected in text, expected
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


def test_a_report_of_four_positions_has_five_pages(archive: Archive, api: Api) -> None:
    for number, site in enumerate(SITES, start=1):
        heard = {"heart5": "murmur" if site == "PV" else "normal", "heart2": "normal"}
        archive.add(number, labels=heard, site=site, exam=EXAM, file_name=f"{site} القلب {'x' * 60}.wav")
        note = {"verdict": "confirmed", "note": "a long note " * 60}
        address = f"/api/v1/recordings/{number:016x}/review"
        assert api.client.put(address, json=note, headers={"If-Match": '"0"'}).status_code == 200
    reader = PdfReader(io.BytesIO(api.get(f"{ADDRESS}/report.pdf").get_data()))
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) == 5
    for text, position in zip(texts[1:], ("AV", "PV", "TV", "MV"), strict=True):
        assert f"At {position}" in text
        assert "Provenance" in text
        assert "the page of the recording has all of it" in text.replace("\n", " ")


def test_the_first_page_of_an_exam_has_the_chest_with_a_sign_at_each_position(
    archive: Archive, api: Api
) -> None:
    add_four(archive, PV="murmur")
    archive.add(3, "st-02", site="AV", exam=EXAM)  # of another device
    review(api, 3, "rejected")
    answer = api.get(f"{ADDRESS}/report.pdf?device=st-01", Accept_Language="de")
    text = PdfReader(io.BytesIO(answer.get_data())).pages[0].extract_text()
    for words in ("AV", "PV\n!", "TV", "MV", "Von vorn gesehen", "Auffällig: bitte beachten"):
        assert words in text, text
    for word in (
        "PV (Pulmonalis)",
        "Es fehlen",
        "TV (Trikuspidalis)",
        "eine Person hat das Ergebnis verworfen",
    ):
        assert word in text


def test_d4_report_and_bundle_say_what_all_positions_say_together(archive: Archive, api: Api) -> None:
    add_evidence(archive, AV=0.05, PV=0.3, TV=0.45, MV=0.05)
    text = report_text(api)
    share = api.json(ADDRESS)["probability"]
    abnormal, normal = exam_words.share_words(share), exam_words.share_words(1 - share)
    for expected in (
        f"Normal: no finding, {normal}",
        f"4 positions together: abnormal {abnormal}, normal {normal}",
        "strongly for normal (-2.9)",
        "says little (-0.2)",
        "not sure alone",
    ):
        assert expected in text, expected
    assert "record again" not in text.partition("At AV")[0]
    report, resources = bundle(api)
    assert report["conclusion"].startswith(
        f"Exam: Normal. 4 positions together: abnormal {abnormal}, normal {normal}. "
        "AV: not sure alone, strongly for normal. PV: not sure alone, for normal."
    )
    (label,) = [
        each
        for each in resources["Observation"]
        if each["code"]["text"].startswith("Label of the sounds of an")
    ]
    assert label["valueCodeableConcept"] == {"text": "Normal"}
    assert {each["code"]["text"]: each["valueQuantity"]["value"] for each in label["component"]} == {
        "Normal": round(1 - share, 4),
        "Abnormal": share,
    }


def test_an_exam_without_a_usable_recording_has_a_report_and_a_bundle(archive: Archive, api: Api) -> None:
    archive.add(1, site="AV", exam="visit-7", is_analysed=False)
    assert POSITION_REASONS["analysing"] in report_text(api)
    report, resources = bundle(api)
    missing = "AV (aortic), PV (pulmonary), TV (tricuspid), MV (mitral)"
    assert report["status"] == "registered"
    assert "Media" not in resources
    assert f"Missing positions: {missing}." in report["conclusion"]
    add_noisy(archive, 2, "PV")
    report, _ = bundle(api)
    assert report["status"] == "preliminary"
    assert POSITION_REASONS["noisy"] in report_text(api)


def test_e8_bundle_of_an_exam_has_one_report_over_the_recordings_that_count(
    archive: Archive, api: Api
) -> None:
    add_four(archive, PV="murmur")
    add_noisy(archive, 9, "TV")
    report, resources = bundle(api)
    assert len(resources["Device"]) == 1
    assert len(resources["Media"]) == 4
    assert {each["bodySite"]["text"] for each in resources["Media"]} == {
        *("aortic area", "pulmonary area", "tricuspid area", "mitral area")
    }
    assert len(resources["Observation"]) == len(report["result"]) == 10
    assert report["conclusion"].startswith(
        "Exam: Abnormal. One position alone makes it so: PV. AV: Normal. PV: Abnormal."
    )
    assert report["conclusion"].endswith(f"Missing positions: none. {LABEL_NOTICE}")
    (label,) = [
        each for each in resources["Observation"] if each["code"]["text"] == "Label of the sounds of an exam"
    ]
    assert label["valueCodeableConcept"] == {"text": "Abnormal"}
    assert len(label["derivedFrom"]) == 4
    rates = [each for each in resources["Observation"] if each["code"]["text"] == "Heart rate"]
    assert [each["valueQuantity"]["value"] for each in rates] == [72.0] * 5
    (median,) = [each for each in rates if "method" in each]
    assert len(median["derivedFrom"]) == 4
    own = api.get("/api/v1/recordings/0000000000000002/fhir.json").get_json()
    ids = {
        each["resource"]["id"]
        for each in own["entry"]
        if each["resource"]["resourceType"] != "DiagnosticReport"
    }
    assert ids <= {each["id"] for group in resources.values() for each in group}, "as in its own Bundle"


def test_e8_an_exam_is_final_when_all_recordings_that_count_are_confirmed(archive: Archive, api: Api) -> None:
    add_four(archive)
    for number in range(1, 4):
        review(api, number, "confirmed")
    assert bundle(api)[0]["status"] == "preliminary"
    review(api, 4, "confirmed")
    report, resources = bundle(api)
    assert {each["status"] for each in (report, *resources["Observation"])} == {"final"}


def test_e8_an_inconclusive_exam_has_no_label(archive: Archive, api: Api) -> None:
    archive.add(1, site="AV", exam="visit-7")
    report, resources = bundle(api)
    (label,) = [each for each in resources["Observation"] if each["code"]["text"].startswith("Label of the")]
    assert "valueCodeableConcept" not in label
    assert label["dataAbsentReason"]["text"] == "cannot tell"
    assert "Exam: Cannot tell. AV: Normal. Missing positions: PV (pulmonary)," in report["conclusion"]


def test_e8_codes_of_a_site_are_used_for_exams(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    add_four(archive)
    path = tmp_path / "codes.json"
    path.write_text(json.dumps({"exam": {"text": "Abhören"}, "exam_label": {"text": "Befund"}}))
    report, resources = bundle(Api(replace(archive.settings, fhir_codes=path)))
    assert report["code"] == {"text": "Abhören"}
    assert "Befund" in {each["code"]["text"] for each in resources["Observation"]}


def test_any_site_of_a_device_is_exported(archive: Archive, api: Api) -> None:
    archive.add(1, site="<b>'\"&", exam="visit-7")
    assert report_text(api)
    bundle(api)
