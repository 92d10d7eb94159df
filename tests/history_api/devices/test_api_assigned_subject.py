"""Whose the next recordings of a device are, whose a stored one is, and a site that demands to know it."""

import io
import json
import re
import wave
from dataclasses import replace
from typing import Any

import pytest
from archive import PCM, Api, Archive, problem
from werkzeug.test import TestResponse

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

DEVICE = "/api/v1/devices/st-01/subject"
RECORDING = "/api/v1/recordings/0000000000000001"
NAMES = ("Anna Meier", "anna@example.org", "P-1970-01-31", "P 1", "")


def put(api: Api, address: str, **body: Any) -> TestResponse:  # noqa: ANN401 - JSON
    return api.ask("PUT", address, json.dumps(body), Content_Type="application/json")


def test_the_next_recordings_of_a_device_are_assigned_for_a_time(archive: Archive, api: Api) -> None:
    nobody = {"device_id": "st-01", "subject": None, "begins_at": None, "ends_at": None, "assigned_by": None}
    assert api.json(DEVICE) == nobody
    made = put(api, DEVICE, subject="P-17").get_json()
    assert (made["subject"], made["assigned_by"]) == ("P-17", "anonymous")
    assert api.json(DEVICE) == made
    hour = {"begins_at": made["begins_at"][:14], "ends_at": made["ends_at"][:14]}
    assert hour["begins_at"] != hour["ends_at"], "an hour, unless another time is given"
    shown = api.get("/ui/devices/st-01", Accept="text/html", Accept_Language="de").get_data(as_text=True)
    assert "Aufnahmen sind jetzt von <strong>P-17</strong>" in shown
    assert api.ask("DELETE", DEVICE).status_code == 204
    assert api.json(DEVICE) == nobody
    shown = api.get("/ui/devices/st-01", Accept="text/html").get_data(as_text=True)
    assert "Nobody is set." in shown


def test_it_is_deleted_with_the_device(archive: Archive, api: Api) -> None:
    archive.add(1)
    put(api, DEVICE, subject="P-17")
    assert api.ask("DELETE", "/api/v1/devices/st-01").status_code == 204
    assert api.json(DEVICE)["subject"] is None


def test_a_name_and_an_endless_time_are_refused(archive: Archive, api: Api) -> None:
    archive.add(1)
    for address in (DEVICE, f"{RECORDING}/subject"):
        for name in NAMES:
            assert "pseudonym" in problem(put(api, address, subject=name), 400)["detail"]
    for minutes in (0, 721):
        problem(put(api, DEVICE, subject="P-17", minutes=minutes), 400)
    assert (
        "name the subject"
        in problem(put(api, "/api/v1/devices/upload/subject", subject="P-17"), 409)["detail"]
    )


def test_a_person_says_afterwards_whose_a_recording_is(archive: Archive, api: Api) -> None:
    archive.add(1, exam="visit-7")
    archive.add(2, subject="P-2")
    assert [each["recording_id"] for each in api.json("/api/v1/results?no_subject=true")["items"]] == [
        "0000000000000001"
    ]
    document = put(api, f"{RECORDING}/subject", subject="P-17").get_json()
    assert document["result"]["subject"] == document["meta"]["subject"] == "P-17"
    assert document["meta"]["subject_source"] == "operator"
    assert api.json("/api/v1/exams/visit-7")["subject"] == "P-17"
    assert len(api.json("/api/v1/results?subject=P-17")["items"]) == 1
    assert api.json("/api/v1/results?no_subject=true")["items"] == []
    page = api.get("/ui/recordings/0000000000000001", Accept="text/html").get_data(as_text=True)
    assert "said afterwards by a person" in page
    document = put(api, f"{RECORDING}/subject", subject=None).get_json()
    assert "subject" not in document["result"]
    assert "subject" not in document["meta"]
    assert api.json("/api/v1/subjects/P-2")["recordings"] == 1
    problem(api.get("/api/v1/subjects/P-17"), 404)


def test_a_recording_that_is_being_analysed_keeps_its_subject(archive: Archive, api: Api) -> None:
    archive.add(1, is_analysed=False)
    problem(put(api, f"{RECORDING}/subject", subject="P-17"), 409)


@pytest.fixture
def demanding(tmp_path_factory: pytest.TempPathFactory) -> Api:
    archive = Archive(tmp_path_factory.mktemp("demanding"))
    archive.add(1)
    return Api(replace(archive.settings, subject_required="on"))


def test_a_site_that_demands_a_subject_refuses_uploads_without(demanding: Api) -> None:
    for address in ("/api/v1/recordings?device=st-01", "/predict?device=st-01", "/upload_audio?device=st-01"):
        answer = demanding.client.post(address, data=_wav(), content_type="audio/wav")
        assert "this site wants to know whose sound it is" in answer.get_data(as_text=True), address
        assert answer.status_code == 400
        named = demanding.client.post(f"{address}&subject=P-17", data=_wav(), content_type="audio/wav")
        assert named.status_code == 503, "there is no broker, which is asked afterwards"
    put(demanding, DEVICE, subject="P-17")
    of_device = demanding.client.post("/predict?device=st-01", data=_wav(), content_type="audio/wav")
    assert of_device.status_code == 503


@pytest.mark.parametrize("address", ["/ui/upload", "/ui/record"])
def test_its_forms_demand_it_and_those_of_others_do_not(demanding: Api, api: Api, address: str) -> None:
    for site, is_demanded in ((demanding, True), (api, False)):
        text = site.get(address, Accept="text/html").get_data(as_text=True)
        (field,) = re.findall(r'<input id="subject"[^>]*>', text)
        assert ("required" in field) == is_demanded


def test_its_pages_ask_for_what_is_missing(demanding: Api) -> None:
    german = {"Accept": "text/html", "Accept_Language": "de"}
    page = demanding.get("/ui/recordings/0000000000000001", **german).get_data(as_text=True)
    assert "⚠ Diese Aufnahme sagt nicht, von wem sie ist. Hier wird das verlangt." in page
    assert '/ui/history?no_subject=true"' in demanding.get("/ui/history", **german).get_data(as_text=True)
    found = demanding.get("/ui/history?no_subject=true", **german).get_data(as_text=True)
    assert "0000000000000001" in found
    put(demanding, f"{RECORDING}/subject", subject="P-17")
    found = demanding.get("/ui/history?no_subject=true", **german).get_data(as_text=True)
    assert "0000000000000001" not in found


def _wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(4000)
        sound.writeframes(PCM * 8)
    return file.getvalue()
