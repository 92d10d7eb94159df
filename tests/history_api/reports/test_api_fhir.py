"""FHIR export of a recording, validated by the models of FHIR R4B."""

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from archive import Api, Archive, prediction, problem
from fhir.resources.R4B.bundle import Bundle
from sqlalchemy import insert

from edge_worker.database import schema
from edge_worker.database.engine import connect
from edge_worker.database.reviewing import review_tables
from edge_worker.errors import SettingsError
from edge_worker.protocol.result import Quality
from history_api.pictures.notice import LABEL_NOTICE
from history_api.reports import fhir_codes

pytest_plugins = ["archive_fixtures"]

ADDRESS = "/api/v1/recordings/0000000000000001/fhir.json"
Resources = dict[str, list[dict[str, Any]]]


def exported(api: Api) -> Resources:
    """Return the resources of a valid Bundle by type; every reference must lead to one of them."""
    answer = api.get(ADDRESS)
    assert (answer.status_code, answer.mimetype) == (200, "application/fhir+json")
    document = answer.get_json()
    Bundle.model_validate(document)
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
    assert "The analysis failed" in resources["DiagnosticReport"][0]["conclusion"]
    assert "Observation" not in resources


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
