"""FHIR export of a recording, validated as FHIR R4."""

import base64
import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from archive import MORNING, Api, Archive, prediction, problem
from fhir_validation import validate_bundle, validate_resource
from sqlalchemy import insert

from edge_worker.database import schema
from edge_worker.database.engine import connect
from edge_worker.database.reviewing import review_tables
from edge_worker.errors import SettingsError
from edge_worker.protocol.result import Quality
from history_api.pictures.notice import LABEL_NOTICE
from history_api.reports import fhir_attachment, fhir_codes

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

ADDRESS = "/api/v1/recordings/0000000000000001/fhir.json"
Resources = dict[str, list[dict[str, Any]]]


def exported(api: Api) -> Resources:
    """Return the resources of a valid Bundle by type; every reference must lead to one of them."""
    answer = api.get(ADDRESS)
    assert (answer.status_code, answer.mimetype) == (200, "application/fhir+json")
    document = answer.get_json()
    validate_bundle(document)
    by_type: Resources = {}
    for entry in document["entry"]:
        by_type.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    assert document["type"] == "transaction"
    for entry in document["entry"]:
        resource = entry["resource"]
        address = f"{resource['resourceType']}/{resource['id']}"
        assert entry["request"] == {"method": "PUT", "url": address}
        assert ("category" in resource) == (resource["resourceType"] in ("Observation", "DiagnosticReport"))
    urls = {entry["fullUrl"] for entry in document["entry"]}
    assert set(references(document)) <= urls
    assert "Patient" not in json.dumps(document)
    return by_type


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return own + [name for each in node.values() for name in references(each)]
    return [name for each in node for name in references(each)] if isinstance(node, list) else []


def review(archive: Archive, verdict: str, note: str = "") -> None:
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        values = {"recording": 1, "verdict": verdict, "note": note, "reviewer": "ward-3", "version": 1}
        connection.execute(
            insert(review_tables.reviews).values(reviewed_at="2026-11-21T09:00:00.000Z", **values)
        )
    engine.dispose()


def test_e8_bundle_has_device_sound_observations_and_report(archive: Archive, api: Api) -> None:
    stored = archive.add(1, is_analysed=False)
    unsure = prediction("heart2", "normal", accepted=False, confidence=0.4)
    archive.save(replace(stored, models=(prediction("heart5", "murmur"), unsure)))
    resources = exported(api)
    assert resources["Device"][0]["identifier"][0]["value"] == "st-01"
    rate, heart5, heart2 = resources["Observation"]
    assert rate["code"]["coding"][0]["code"] == "8867-4"
    assert (rate["valueQuantity"]["value"], rate["valueQuantity"]["code"]) == (72.0, "/min")
    coding = {"system": "http://snomed.info/sct", "code": "88610006", "display": "Heart murmur"}
    assert heart5["valueCodeableConcept"] == {"coding": [coding], "text": "Murmur"}
    assert heart5["interpretation"][0]["coding"][0]["code"] == "A"
    shares = {each["code"]["text"]: each["valueQuantity"]["value"] for each in heart5["component"]}
    assert shares["Murmur"] == 0.9
    assert "f" * 64 in heart5["method"]["text"]
    assert "valueCodeableConcept" not in heart2
    assert heart2["dataAbsentReason"]["text"] == "cannot tell"
    (report,) = resources["DiagnosticReport"]
    assert len(report["result"]) == 3
    assert report["status"] == rate["status"] == "preliminary"
    assert report["conclusion"].startswith(
        "Murmur. Kind of heart sound: Murmur. Normal or abnormal heart: Cannot tell."
    )
    assert report["conclusionCode"] == [heart5["valueCodeableConcept"]]
    assert "interpretation" not in heart2
    assert report["conclusion"].endswith(LABEL_NOTICE)
    assert {each["bodySite"]["text"] for each in resources["Observation"]} == {"mitral area"}


def test_a_bundle_says_that_models_contradict_each_other(archive: Archive, api: Api) -> None:
    archive.add(1, labels={"heart5": "normal", "heart2": "abnormal"})
    resources = exported(api)
    (report,) = resources["DiagnosticReport"]
    assert report["conclusion"].startswith("Abnormal. The models disagree: Normal, Abnormal.")
    assert report["conclusionCode"] == [{"text": "Abnormal"}]
    found = [each["interpretation"][0]["coding"][0]["code"] for each in resources["Observation"][1:]]
    assert found == ["N", "A"]


def test_e8_media_have_the_address_and_the_hashes_of_the_audio(archive: Archive, api: Api) -> None:
    archive.add(1)
    (media,) = exported(api)["Media"]
    content = media["content"]
    address = content["url"].removeprefix("http://localhost")
    wav = api.get(address).get_data()
    assert base64.b64decode(content["hash"]) == hashlib.sha1(wav).digest()  # noqa: S324 - FHIR requires SHA-1
    assert content["size"] == len(wav)
    assert media["identifier"][1]["value"] == "5" * 64
    (archive.settings.data_dir / "audio/st-01/0000000000000001.wav").unlink()
    assert "url" not in exported(api)["Media"][0]["content"]


@pytest.mark.parametrize(("verdict", "status"), [("confirmed", "final"), ("rejected", "entered-in-error")])
def test_e8_a_review_decides_the_status(archive: Archive, api: Api, verdict: str, status: str) -> None:
    archive.add(1)
    ids = [each["id"] for group in exported(api).values() for each in group]
    review(archive, verdict, "Herz\x00geräusch 心音 ")
    resources = exported(api)
    (report,) = resources["DiagnosticReport"]
    assert {each["status"] for each in (report, *resources["Observation"])} == {status}
    assert report["resultsInterpreter"] == [{"display": "ward-3"}]
    assert f"A person {verdict} this on 2026-11-21T09:00:00.000Z: Herz geräusch 心音." in report["conclusion"]
    assert report["issued"] == "2026-11-21T09:00:00.000Z"
    assert [each["id"] for group in resources.values() for each in group] == ids


def test_e8_without_result_the_report_is_registered_or_cancelled(archive: Archive, api: Api) -> None:
    stored = archive.add(1, is_analysed=False)
    resources = exported(api)
    assert resources["DiagnosticReport"][0]["status"] == "registered"
    nothing = Quality(usable=False, snr_db=None, clipped=0.0)
    archive.save(
        replace(stored, status="error", models=(), heart_rate_bpm=None, quality=nothing, reasons=("failed",))
    )
    resources = exported(api)
    assert resources["DiagnosticReport"][0]["status"] == "cancelled"
    assert "Analysis failed: ask the operator" in resources["DiagnosticReport"][0]["conclusion"]
    assert "Observation" not in resources


def test_a_report_contains_its_pdf_up_to_a_size_and_else_its_address(
    archive: Archive, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add(1)
    (form,) = exported(api)["DiagnosticReport"][0]["presentedForm"]
    pdf = base64.b64decode(form["data"])
    assert form["url"].startswith("http://localhost/api/v1/")
    assert pdf == api.get(form["url"].removeprefix("http://localhost")).get_data()
    assert base64.b64decode(form["hash"]) == hashlib.sha1(pdf).digest()  # noqa: S324 - FHIR requires SHA-1
    linked = api.json(f"{ADDRESS}?pdf=link")["entry"][-1]["resource"]["presentedForm"]
    assert linked == [{"contentType": "application/pdf", "url": form["url"]}]
    monkeypatch.setattr(fhir_attachment, "MAX_DATA_BYTES", len(pdf) - 1)
    (too_large,) = exported(api)["DiagnosticReport"][0]["presentedForm"]
    assert too_large == {name: form[name] for name in ("contentType", "url", "size", "hash")}


def test_report_and_site_are_coded_where_a_code_says_the_same(archive: Archive, api: Api) -> None:
    archive.save(replace(archive.add(1, is_analysed=False), models=(prediction("heart5", "normal"),)))
    resources = exported(api)
    auscultation = {"system": "http://snomed.info/sct", "code": "37931006", "display": "Auscultation"}
    assert resources["DiagnosticReport"][0]["code"]["coding"] == [auscultation]
    chest = {"system": "http://snomed.info/sct", "code": "51185008", "display": "Thoracic structure"}
    assert resources["Media"][0]["bodySite"] == {"coding": [chest], "text": "mitral area"}


def test_a_sound_of_no_body_is_reported_as_a_sound(archive: Archive, api: Api) -> None:
    spoken = prediction("digits", "two")
    archive.save(replace(archive.add(1, is_analysed=False), models=(spoken,)))
    assert exported(api)["DiagnosticReport"][0]["code"] == {"text": "Analysis of a sound by software"}


def test_a_clock_in_2036_is_no_time_of_a_sound(archive: Archive, api: Api) -> None:
    archive.add(1, captured_at="2036-02-07T06:28:16.000Z", exam="visit-7")
    resources = exported(api)
    said = "The time is that of arrival: its device said 2036-02-07 06:28:16 UTC."
    (media,), (report,) = resources["Media"], resources["DiagnosticReport"]
    assert {media["createdDateTime"], media["content"]["creation"], report["effectiveDateTime"]} == {MORNING}
    assert {each["effectiveDateTime"] for each in resources["Observation"]} == {MORNING}
    assert [each["text"] for each in media["note"]] == [said]
    assert said in report["conclusion"]
    assert all(each["note"][-1]["text"] == said for each in resources["Observation"])
    exam = api.json("/api/v1/exams/visit-7")
    times = {exam["first_captured_at"], exam["last_captured_at"], exam["positions"][3]["captured_at"]}
    assert times == {MORNING}
    document = api.json("/api/v1/exams/visit-7/fhir.json?pdf=link")
    validate_bundle(document)
    assert document["entry"][-1]["resource"]["effectivePeriod"] == {"start": MORNING, "end": MORNING}


def test_a_time_that_no_clock_knows_is_absent(archive: Archive, api: Api) -> None:
    archive.add(1, exam="visit-7")
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        values = {"captured_at": "2036-02-07T06:28:16.000Z", "captured_at_source": "unsure"}
        connection.execute(schema.recordings.update().values(values | {"received_at": values["captured_at"]}))
    engine.dispose()
    resources = exported(api)
    for each in (*resources["Observation"], *resources["DiagnosticReport"]):
        assert each["_effectiveDateTime"]["extension"][0]["valueCode"] == "unknown"
    assert "2036" not in json.dumps(resources)
    document = api.json("/api/v1/exams/visit-7/fhir.json?pdf=link")
    validate_bundle(document)
    assert "2036" not in json.dumps(document["entry"])


def test_a_period_is_exported_a_resource_per_line_that_refers_to_its_file(archive: Archive, api: Api) -> None:
    for number, device in ((1, "st-01"), (2, "st-01"), (3, "st-02")):
        archive.add(number, device, captured_at=f"2026-11-0{number}T08:00:00.000Z", subject=f"p-{number}")
    every = lines(api, "")
    for each in every:
        validate_resource(each)
    kinds = Counter(each["resourceType"] for each in every)
    assert kinds == {"Device": 2, "Media": 3, "Observation": 6, "DiagnosticReport": 3}
    known = {f"{each['resourceType']}/{each['id']}" for each in every}
    assert set(references(every)) <= known
    shown = lines(api, "?type=DiagnosticReport&from=2026-11-02T00:00:00Z&sort=captured_at")
    assert [each["subject"]["identifier"]["value"] for each in shown] == ["p-2", "p-3"]
    assert {tuple(each["presentedForm"][0]) for each in shown} == {("contentType", "url")}
    assert lines(api, "?device=st-02&type=Media")[0]["device"] == every_of(every, "Device", "st-02")
    assert lines(api, "?device=st-09") == []
    problem(api.get("/api/v1/fhir.ndjson?type=Patient"), 400)


def lines(api: Api, query: str) -> list[dict[str, Any]]:
    answer = api.get(f"/api/v1/fhir.ndjson{query}")
    assert (answer.status_code, answer.mimetype) == (200, "application/fhir+ndjson")
    return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]


def every_of(resources: list[dict[str, Any]], kind: str, device: str) -> dict[str, str]:
    (found,) = [
        each
        for each in resources
        if each["resourceType"] == kind and each["identifier"][0]["value"] == device
    ]
    return {"reference": f"{kind}/{found['id']}"}


def test_e8_an_unknown_heart_rate_is_an_absent_value(archive: Archive, api: Api) -> None:
    archive.save(replace(archive.add(1, is_analysed=False), heart_rate_bpm=None))
    rate = exported(api)["Observation"][0]
    assert "valueQuantity" not in rate
    assert rate["dataAbsentReason"]["coding"][0]["code"] == "unknown"


@pytest.mark.parametrize("site", ["左\n胸", "  ", "\x00"])
def test_any_site_of_a_device_is_valid_fhir(archive: Archive, api: Api, site: str) -> None:
    archive.add(1)
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        connection.execute(schema.recordings.update().values(meta={"site": site}))
    engine.dispose()
    shown = exported(api)["Media"][0].get("bodySite")
    assert shown == ({"text": "左 胸"} if "左" in site else None)


def test_e8_codes_of_a_file_override_the_built_in_ones(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.add(1, labels={"heart5": "murmur"})
    murmur = {"coding": [{"system": "http://snomed.info/sct", "code": "88610006", "display": "Heart murmur"}]}
    path = tmp_path / "codes.json"
    path.write_text(json.dumps({"labels": {"murmur": murmur}, "report": {"text": "Abhören"}}))
    resources = exported(Api(replace(archive.settings, fhir_codes=path)))
    assert resources["Observation"][1]["valueCodeableConcept"] == murmur
    assert resources["DiagnosticReport"][0]["code"] == {"text": "Abhören"}
    assert resources["Observation"][0]["code"] == fhir_codes.BUILT_IN["heart_rate"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ('{"labels": {"murmur": {"coding": [{"code": "1"}]}}}', "labels/murmur/coding/0"),
        ('{"lables": {}}', "lables"),
        ('{"report": {"text": " "}}', "report/text"),
        ("[]", "the top"),
    ],
)
def test_an_invalid_file_of_codes_is_a_settings_error(tmp_path: Path, text: str, message: str) -> None:
    archive = Archive(tmp_path)
    path = tmp_path / "codes.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        Api(replace(archive.settings, fhir_codes=path))


def test_ids_that_devices_share_need_the_device(archive: Archive, api: Api) -> None:
    archive.add(1, "st-01")
    archive.add(1, "st-02")
    problem(api.get(ADDRESS), 409)
    own = [api.json(f"{ADDRESS}?device={device}")["id"] for device in ("st-01", "st-02")]
    assert own[0] != own[1]
