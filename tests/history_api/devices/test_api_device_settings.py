"""Settings of a device and the timeline of a stream over HTTP."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from archive import MORNING, Api, Archive, problem

from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.database.access.api_key import ApiKeys
from edge_worker.database.device_settings import DeviceSettingsTable
from edge_worker.database.engine import connect
from edge_worker.database.store import StoredRecording
from edge_worker.protocol.result import Audio, Quality, Result

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

ADDRESS = "/api/v1/devices/room-01/settings"
JSON = {"Content_Type": "application/json"}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path)
    for model in ("esc50", "heart5"):
        (made.settings.models_dir / f"{model}.tflite").write_bytes(b"")
        (made.settings.models_dir / f"{model}.json").write_text("{}")
    return made


@pytest.fixture
def api(archive: Archive) -> Api:
    return archive.api()


def test_c4_a_device_has_settings_before_its_first_recording(archive: Archive, api: Api) -> None:
    assert api.json(ADDRESS) == {
        "device_id": "room-01",
        "models": None,
        "gate": {"on": False, "threshold": None},
        "changed_at": None,
        "changed_by": None,
    }
    body = '{"models":["esc50"],"gate":{"on":true,"threshold":0.05}}'
    answer = api.ask("PUT", ADDRESS, body, **JSON)
    assert answer.status_code == 200
    assert answer.get_json()["changed_by"] == "anonymous"
    assert api.json(ADDRESS) == answer.get_json()
    profiles = ActiveProfiles(archive.settings, DeviceSettingsTable(connect(archive.settings.database)))
    profile = profiles.current.of_device("room-01")
    assert profile.models == ("esc50",)
    assert profile.gate is not None
    assert (profile.gate.threshold, profile.gate.attack) == (0.05, 2)
    assert profiles.current.of_device("st-01").models == archive.settings.models
    assert profiles.refresh() is False, "nothing changed"
    # A running worker reads the next change.
    api.ask("PUT", ADDRESS, '{"gate":{"on":true}}', **JSON)
    assert profiles.refresh() is True
    profile = profiles.current.of_device("room-01")
    assert profile.models == archive.settings.models
    assert profile.gate is not None
    assert profile.gate.threshold == archive.settings.gate_threshold
    assert api.ask("DELETE", ADDRESS).status_code == 204
    assert profiles.refresh() is True
    assert profiles.current.of_device("room-01").gate is None


@pytest.mark.parametrize(
    "body",
    [
        '{"models":["lungs"]}',
        '{"models":[]}',
        '{"models":["esc50","esc50"]}',
        '{"gate":{}}',
        '{"gate":{"on":"yes"}}',
        '{"gate":{"on":true,"threshold":0}}',
        '{"gate":{"on":true,"threshold":2}}',
        '{"volume":3}',
        "[]",
        "nonsense",
    ],
)
def test_invalid_settings_change_nothing(api: Api, body: str) -> None:
    problem(api.ask("PUT", ADDRESS, body, **JSON), 400)
    assert api.json(ADDRESS)["changed_at"] is None


def test_models_in_the_metadata_override_the_settings(archive: Archive, api: Api) -> None:
    api.ask("PUT", ADDRESS, '{"models":["esc50"]}', **JSON)
    profiles = ActiveProfiles(archive.settings, DeviceSettingsTable(connect(archive.settings.database)))
    assert profiles.current.models("room-01", None) == ("esc50",)
    assert profiles.current.models("room-01", {"models": ["heart5", "heart5"]}) == ("heart5",)
    assert profiles.current.models("room-01", {"models": []}) == ("esc50",)


def test_an_owner_may_read_the_settings_of_the_own_device_only(archive: Archive) -> None:
    api_keys = ApiKeys(archive.settings.database)
    key = api_keys.add("bob", "owner", "room-01")
    api = Api(replace(archive.settings, api_auth="keys"))
    bearer = {"Authorization": f"Bearer {key}"}
    assert api.get(ADDRESS, **bearer).status_code == 200
    problem(api.get("/api/v1/devices/st-02/settings", **bearer), 403)
    problem(api.ask("PUT", ADDRESS, "{}", **JSON, **bearer), 403)
    problem(api.ask("DELETE", ADDRESS, **bearer), 403)
    api_keys.close()


def test_an_impossible_device_id_is_a_404(api: Api) -> None:
    problem(api.get("/api/v1/devices/Room%2001/settings"), 404)


def test_e8_only_streams_have_a_timeline(archive: Archive, api: Api) -> None:
    archive.add(1)
    problem(api.get("/api/v1/recordings/0000000000000001/timeline"), 404)
    add_stream(archive, "00000000000000aa")
    found = api.json("/api/v1/recordings/00000000000000aa/timeline")
    assert found["models"]["heart5"] == {
        "labels": ["murmur", "normal"],
        "points": [{"start_s": 0.0, "end_s": 4.0, "windows": 2, "usable": 1, "probabilities": [0.1, 0.9]}],
    }
    assert found["heart"] == [
        {"start_s": 0.0, "end_s": 4.0, "windows": 2, "usable": 1, "bpm": None, "quality": 0.5}
    ]
    tag = api.get("/api/v1/recordings/00000000000000aa/timeline").headers["ETag"]
    assert api.get("/api/v1/recordings/00000000000000aa/timeline", If_None_Match=tag).status_code == 304
    drawn = api.get("/api/v1/recordings/00000000000000aa/timeline.svg")
    assert drawn.mimetype == "image/svg+xml"
    assert "Kind of heart sound, probability" in drawn.get_data(as_text=True)
    assert "timeline.svg" in api.get("/ui/recordings/00000000000000aa").get_data(as_text=True)
    assert "timeline.svg" not in api.get("/ui/recordings/0000000000000001").get_data(as_text=True)
    problem(api.get("/api/v1/recordings/0000000000000001/timeline.svg"), 404)
    recording = api.json("/api/v1/recordings/00000000000000aa")
    assert recording["audio"]["kept_from"] == 200_000
    assert api.ask("DELETE", "/api/v1/recordings/00000000000000aa").status_code == 204
    problem(api.get("/api/v1/recordings/00000000000000aa/timeline"), 404)


def add_stream(archive: Archive, name: str) -> None:
    """Store a stream with its timeline, as a worker does."""
    stored = StoredRecording(
        device_id="st-01",
        recording_id=name,
        received_at=MORNING,
        captured_at=MORNING,
        captured_at_source="worker",
        completeness="complete",
        missing=[[199_000, 201_000]],
        sample_rate=4000,
        channels=1,
        samples=240_000,
        audio_sha256="5" * 64,
        audio_file=f"audio/st-01/{name}.wav",
        meta={},
        audio_start=200_000,
    )
    result = Result(
        device_id="st-01",
        recording_id=name,
        status="inconclusive",
        completeness="complete",
        audio=Audio(4000, 1, 240_000, "5" * 64),
        quality=Quality(False, None, 0.0),
        captured_at=MORNING,
        captured_at_source="worker",
    )
    point = [0.0, 4.0, 2, 1]
    timeline = {
        "models": {"heart5": {"labels": ["murmur", "normal"], "points": [[*point, [0.1, 0.9]]]}},
        "heart": [[*point, [None, 0.5]]],
    }
    saved = archive.store.save_stream(
        stored, lambda row: archive.analysis_result(row, result), json.dumps(timeline)
    )
    again = archive.store.save_stream(
        stored, lambda row: archive.analysis_result(row, result), json.dumps(timeline)
    )
    assert saved == again == []
    (entry,) = archive.api().app.extensions["stetho"].history.recording(name)
    assert entry.gaps_s == [(50.0, 50.25)], "missing ranges of the stored sound"
    assert entry.audio_s == 10.0
