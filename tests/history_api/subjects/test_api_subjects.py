"""Subjects over HTTP: what is stored of one, its export, and its deletion, which a crash does not spoil."""

import io
import json
import logging
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from archive import MORNING, PCM, Api, Archive, problem
from sqlalchemy import func, insert, select

from edge_worker.database import schema
from edge_worker.database.engine import connect
from edge_worker.database.training import source_digest
from edge_worker.protocol import topics
from history_api.application import create_app
from history_api.pictures.picture_cache import PictureCache
from history_api.subjects import subject_export

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

ADDRESS = "/api/v1/subjects/P-17"
GERMAN = {"Accept": "text/html", "Accept_Language": "de"}
KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database import deletion
from history_api.application import create_app
from history_api.settings import ApiSettings

deletion.BATCH = 2
remove, batches = AudioDirectory.remove, []
def remove_and_die(self, files):
    batches.append(files)
    if len(batches) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return remove(self, files)
AudioDirectory.remove = remove_and_die
data = Path(sys.argv[1])
app = create_app(
    ApiSettings(data_dir=data, models_dir=data / "models", database_url=sys.argv[4], api_auth="none")
)
app.test_client().delete(sys.argv[3])
"""


def fill(archive: Archive) -> None:
    """Store four recordings of P-17, one of them in its exam without a name, and three that are of others."""
    archive.add(1, exam="visit-7", site="AV", subject="P-17", labels={"heart5": "murmur"})
    archive.add(2, exam="visit-7", site="PV")
    archive.add(3, "st-02", subject="P-17")
    archive.add(4, subject="P-17")
    archive.add(5, subject="P-18")
    archive.add(6, exam="visit-8", subject="P-18")
    archive.add(7, exam="visit-8")
    add_clip(archive, "P-17", "training/heart2/normal/a.wav")
    add_clip(archive, "P-18", "training/heart2/normal/b.wav")


def add_clip(archive: Archive, source: str, file: str) -> None:
    path = archive.settings.data_dir / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")
    values = {"model": "heart2", "label": "normal", "file": file, "sha256": file, "held_out": False}
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        connection.execute(
            insert(schema.training_clips).values(
                source=source_digest(source), added_at="2026-11-20T08:00:00.000Z", **values
            )
        )
    engine.dispose()


def review(api: Api, number: int) -> None:
    body = {"Content_Type": "application/json", "If_None_Match": "*"}
    address = f"/api/v1/recordings/{number:016x}/review"
    assert api.ask("PUT", address, b'{"verdict":"confirmed","note":"clear"}', **body).status_code == 200


def left(archive: Archive) -> list[str]:
    """Return the recordings that are left, by the last digit of their ids; rows and files must agree."""
    engine = connect(archive.settings.database)
    with engine.connect() as connection:
        names = connection.execute(select(schema.recordings.c.recording_id)).scalars().all()
        predictions = connection.execute(select(func.count()).select_from(schema.predictions)).scalar_one()
    engine.dispose()
    files = (archive.settings.data_dir / "audio").rglob("*.wav")
    assert sorted(path.stem for path in files) == sorted(names)
    assert predictions == len(names)
    return sorted(name[-1] for name in names)


def test_what_is_stored_of_a_subject_is_told_in_numbers(archive: Archive, api: Api) -> None:
    fill(archive)
    review(api, 1)
    assert api.json(ADDRESS) == {
        "subject": "P-17",
        "recordings": 4,
        "analysing": 0,
        "audio_bytes": 4 * len(PCM),
        "reviews": 1,
        "exams": 1,
        "clips": 1,
        "devices": ["st-01", "st-02"],
        "first_received_at": MORNING,
        "last_received_at": MORNING,
        "links": {
            "self": ADDRESS,
            "results": "/api/v1/results?subject=P-17",
            "export": f"{ADDRESS}/export",
        },
    }
    text = api.get("/ui/subjects/P-17", **GERMAN).get_data(as_text=True)
    assert "Person P-17" in text
    assert "Alles von dieser Person löschen" in text
    assert "What is stored" in api.get("/ui/subjects/P-17", Accept="text/html").get_data(as_text=True)
    for suffix in ("", "/export"):
        problem(api.get(f"/api/v1/subjects/P-99{suffix}"), 404)
    problem(api.ask("DELETE", "/api/v1/subjects/a%20b"), 404)


def test_subjects_are_listed_by_pseudonym_page_by_page(archive: Archive, api: Api) -> None:
    assert api.json("/api/v1/subjects") == {"items": [], "next": None}
    german = api.get("/ui/subjects", **GERMAN).get_data(as_text=True)
    assert "Keine Aufnahme sagt, von wem sie ist." in german
    fill(archive)
    first = api.get("/api/v1/subjects?limit=1")
    links = {"self": ADDRESS}
    item = {"subject": "P-17", "recordings": 3, "last_received_at": MORNING, "links": links}
    assert first.get_json() == {"items": [item], "next": "P-17"}
    assert first.headers["Link"] == '</api/v1/subjects?limit=1&cursor=P-17>; rel="next"'
    following = api.json("/api/v1/subjects?limit=1&cursor=P-17")
    assert [each["subject"] for each in following["items"]] == ["P-18"]
    assert following["next"] is None
    assert '/ui/subjects/P-18"' in api.get("/ui/subjects", Accept="text/html").get_data(as_text=True)


def test_everything_of_a_subject_is_exported(
    archive: Archive, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_export, "_PIECE", 1024)
    fill(archive)
    review(api, 1)
    answer = api.get(f"{ADDRESS}/export")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == "attachment; filename=P-17.zip"
    with ZipFile(io.BytesIO(answer.get_data())) as archived:
        assert archived.testzip() is None
        names = set(archived.namelist())
        first = json.loads(archived.read("recordings/st-01/0000000000000001.json"))
        sound = archived.read("recordings/st-01/0000000000000001.wav")
        exam = json.loads(archived.read("exams/st-01/visit-7.json"))
    recorded = [f"st-01/{number:016x}" for number in (1, 2, 4)] + [f"st-02/{3:016x}"]
    assert names == {
        *("README.txt", "subject.json", "exams/st-01/visit-7.json", "training/a.wav"),
        *(f"recordings/{each}.{suffix}" for each in recorded for suffix in ("json", "wav")),
    }
    assert first["result"]["verdict"]["label"] == "murmur"
    assert [each["note"] for each in first["reviews"]] == ["clear"]
    assert sound == (archive.settings.data_dir / f"audio/st-01/{1:016x}.wav").read_bytes()
    assert (exam["subject"], exam["recordings"]) == ("P-17", 2)
    (archive.settings.data_dir / f"audio/st-01/{1:016x}.wav").unlink()
    pieces = list(api.client.get(f"{ADDRESS}/export", buffered=False).response)
    assert max(map(len, pieces)) < 16 * 1024, "what is sent at once does not grow with what there is"
    assert len(pieces) > 2


def test_everything_of_a_subject_is_deleted_and_nothing_else(
    archive: Archive, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(archive)
    review(api, 1)
    api.get("/api/v1/recordings/0000000000000001/waveform.svg")
    cache = PictureCache.from_settings(api.app.extensions["stetho"].settings)
    assert list(cache._directory.iterdir())
    answer = api.ask("DELETE", ADDRESS)
    counts = {"recordings": 4, "audio_bytes": 4 * (len(PCM) + 44), "reviews": 1, "exams": 1, "clips": 1}
    assert (answer.status_code, answer.get_json()) == (200, {"subject": "P-17"} | counts)
    assert left(archive) == ["5", "6", "7"]
    assert list(cache._directory.iterdir()) == []
    clips = [path.name for path in (archive.settings.data_dir / "training").rglob("*.wav")]
    assert clips == ["b.wav"]
    assert "event=subject_deleted subject=P-17 by=anonymous recordings=4" in caplog.text
    problem(api.get(ADDRESS), 404)
    again = api.ask("DELETE", ADDRESS)
    assert (again.status_code, set(again.get_json().values())) == (200, {"P-17", 0})
    assert left(archive) == ["5", "6", "7"]


def test_recordings_of_an_exam_of_several_subjects_are_of_those_that_name_it(
    archive: Archive, api: Api
) -> None:
    archive.add(1, exam="visit-7", subject="P-17")
    archive.add(2, exam="visit-7", subject="P-18")
    archive.add(3, exam="visit-7")
    assert api.ask("DELETE", ADDRESS).get_json()["recordings"] == 1
    assert left(archive) == ["2", "3"]


@pytest.mark.parametrize("dies_in", [1, 3])
def test_a_deletion_that_was_killed_is_completed_by_the_next_one(archive: Archive, dies_in: int) -> None:
    fill(archive)
    for number in (8, 9):
        archive.add(number, exam="visit-7")
    command = [sys.executable, "-c", KILLED, str(archive.settings.data_dir), str(dies_in), ADDRESS]
    command.append(archive.settings.database)
    killed = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    api = archive.api()
    assert api.ask("DELETE", ADDRESS).status_code == 200
    assert left(archive) == ["5", "6", "7"]


def test_what_is_being_analysed_is_deleted_later(archive: Archive, api: Api) -> None:
    archive.add(1, exam="visit-7", subject="P-17")
    waiting = archive.add(2, exam="visit-7", is_analysed=False)
    refused = api.ask("DELETE", ADDRESS)
    assert "1 recordings" in problem(refused, 409)["detail"]
    assert "Retry-After" in refused.headers
    assert left_rows(archive) == 2, "the one that names the subject says whose the other is"
    archive.save(waiting)
    assert api.ask("DELETE", ADDRESS).get_json()["recordings"] == 2


def left_rows(archive: Archive) -> int:
    engine = connect(archive.settings.database)
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(schema.recordings)).scalar_one()
    engine.dispose()
    return count


def test_displays_no_longer_show_what_was_deleted(archive: Archive) -> None:
    archive.add(1, "st-01", subject="P-17")
    archive.add(2, "st-02", subject="P-17")
    archive.add(3, "st-02", subject="P-18")
    app = create_app(replace(archive.settings, api_mqtt_password="x"))
    assert app.test_client().delete(ADDRESS).status_code == 200
    waiting = app.extensions["stetho"].mqtt_session._retained
    sent = {waiting.get() for _ in range(waiting.qsize())}
    assert (topics.device_result("st-01"), b"") in sent
    assert (topics.device_result("st-02"), b"") not in sent, "it shows another subject"
    assert {(topics.sounds(device), b"") for device in ("st-01", "st-02")} <= sent


def test_a_file_that_is_no_clip_is_not_removed(archive: Archive, api: Api) -> None:
    secret = archive.settings.data_dir / "secret.wav"
    add_clip(archive, "P-17", "training/../secret.wav")
    assert Path(secret).exists()
    assert api.ask("DELETE", ADDRESS).status_code == 200
    assert secret.exists()
