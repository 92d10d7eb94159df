"""Recordings that reviewers corrected, handed to retraining in one step: as clips, with their sources."""

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile
from archive import Api, Archive
from sqlalchemy import insert, update
from trainers import write_pair

from edge_worker.database import schema
from edge_worker.database.engine import connect
from edge_worker.database.training import Clip, TrainingTables, source_digest
from models_tflite.training.retraining import commands
from simulator.sound.heart_sound import synthesise

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

RATE = 4000
HAND_OVER = "/api/v1/training/corrections?model=heart2"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path)
    write_pair(archive.settings.models_dir)
    return archive


@pytest.fixture
def api(archive: Archive) -> Api:
    return archive.api()


def add(
    archive: Archive,
    number: int,
    device: str = "st-01",
    *,
    seed: int | None = None,
    **facts: Any,  # noqa: ANN401
) -> None:
    """Store a recording with a sound of its own, that of `seed`, of which heart2 says normal."""
    archive.add(number, device, labels={"heart2": "normal"}, **facts)
    sound = synthesise("normal", 72, 4.5, RATE, number if seed is None else seed)
    soundfile.write(archive.settings.data_dir / f"audio/{device}/{number:016x}.wav", sound, RATE)


def review(api: Api, number: int, device: str = "st-01", **review: str) -> None:
    address = f"/api/v1/recordings/{number:016x}/review?device={device}"
    body = json.dumps(review or {"verdict": "corrected", "model": "heart2", "label": "abnormal"}).encode()
    answer = api.ask("PUT", address, body, Content_Type="application/json", If_Match="*")
    assert answer.status_code == 200, answer.text


def clips(api: Api) -> dict[int | None, Clip]:
    stored = TrainingTables(api.app.extensions["stetho"].database).clips("heart2")
    return {clip.recording: clip for clip in stored}


def hand_over(api: Api, query: str = "") -> dict[str, Any]:
    answer = api.post(HAND_OVER + query)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def test_corrections_are_clips_with_their_sources_and_a_job_waits(archive: Archive, api: Api) -> None:
    add(archive, 1, subject="P-17")
    add(archive, 2, subject="P-17")
    add(archive, 3, "st-02")
    for number, device in ((1, "st-01"), (2, "st-01"), (3, "st-02")):
        review(api, number, device)
    answer = hand_over(api)
    assert (answer["added"], answer["known"], answer["left_out"]) == (3, 0, {})
    assert answer["job"] == api.json("/training-status")["jobs"][0]["id"]
    stored = clips(api)
    assert [stored[row].source for row in (1, 2, 3)] == [
        source_digest(each) for each in ("P-17", "P-17", "st-02")
    ]
    assert stored[1].held_out == stored[2].held_out
    assert all((archive.settings.data_dir / clip.file).is_file() for clip in stored.values())
    again = hand_over(api)
    assert (again["added"], again["known"], again["job"]) == (0, 3, answer["job"])


def test_what_cannot_be_trained_on_is_left_out_and_said_why(archive: Archive, api: Api) -> None:
    add(archive, 1)
    add(archive, 2, seed=1)  # the same sound
    add(archive, 3, missing=((10, 20),))
    add(archive, 4)
    add(archive, 5)
    add(archive, 6)
    add(archive, 7)
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        connection.execute(insert(schema.timelines).values(recording=4, document="{}"))
    engine.dispose()
    for number in (1, 2, 3, 4, 7):
        review(api, number)
    review(api, 5, verdict="rejected")
    review(api, 6, verdict="confirmed")
    (archive.settings.data_dir / "audio/st-01/0000000000000007.wav").unlink()
    answer = hand_over(api)
    assert (answer["added"], answer["known"]) == (1, 1)
    assert answer["left_out"] == {"gaps": 1, "stream": 1, "no_label": 1, "no_sound": 1}
    assert "left out: 1, sound is missing in it" in answer["message"]
    assert answer["job"] is None
    assert "all recordings of abnormal are of one source" in answer["message"]
    with_confirmed = hand_over(api, "&confirmed=true")
    assert with_confirmed["added"] == 1
    assert clips(api)[6].label == "normal"


def test_a_later_review_relabels_the_clip_or_takes_it_out(archive: Archive, api: Api) -> None:
    add(archive, 1)
    review(api, 1)
    hand_over(api)
    assert clips(api)[1].label == "abnormal"
    review(api, 1, verdict="confirmed")
    assert clips(api)[1].label == "normal"
    review(api, 1, verdict="rejected")
    assert clips(api) == {}
    review(api, 1)
    hand_over(api)
    api.ask("DELETE", "/api/v1/recordings/0000000000000001/review", If_Match="*")
    assert clips(api) == {}
    assert "nothing to train on" in hand_over(api)["message"]


def test_a_clip_follows_whose_sound_it_is(archive: Archive, api: Api) -> None:
    add(archive, 1, subject="P-17")
    add(archive, 2, "st-02")
    for number, device in ((1, "st-01"), (2, "st-02")):
        review(api, number, device)
    hand_over(api)
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        connection.execute(
            update(schema.recordings).where(schema.recordings.c.id == 2).values(subject="P-17")
        )
    engine.dispose()
    assert hand_over(api)["known"] == 2
    stored = clips(api)
    assert stored[2].source == stored[1].source == source_digest("P-17")
    assert stored[2].held_out == stored[1].held_out, "one person is never trained on and held out"


def test_a_clip_goes_with_its_recording(archive: Archive, api: Api) -> None:
    add(archive, 1)
    add(archive, 2)
    for number in (1, 2):
        review(api, number)
    hand_over(api)
    assert api.ask("DELETE", "/api/v1/recordings/0000000000000001").status_code == 204
    assert list(clips(api)) == [2]
    assert not (archive.settings.data_dir / "audio/st-01/0000000000000001.wav").exists()


def test_a_sound_that_was_uploaded_with_another_label_is_left_out(archive: Archive, api: Api) -> None:
    add(archive, 1)
    review(api, 1)
    path = archive.settings.data_dir / "audio/st-01/0000000000000001.wav"
    assert api.post("/upload-training-data?target_class=normal", files=[path]).status_code == 200
    assert hand_over(api)["left_out"] == {"two_labels": 1}
    assert list(clips(api)) == [None]


def test_the_command_hands_over_and_queues_a_job(
    archive: Archive, api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STETHO_DATA_DIR", str(archive.settings.data_dir))
    monkeypatch.setenv("STETHO_MODELS_DIR", str(archive.settings.models_dir))
    monkeypatch.setenv("STETHO_DATABASE_URL", archive.settings.database_url)
    assert commands.main(["corrections", "heart2"]) == 2
    assert "nothing to train on" in capsys.readouterr().err
    for number, device in ((1, "st-01"), (2, "st-02")):
        add(archive, number, device)
        review(api, number, device)
    assert commands.main(["corrections", "heart2"]) == 0
    out = capsys.readouterr().out
    assert "new clips: 2, " in out
    assert "job 1 waits" in out
