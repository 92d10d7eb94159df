"""Deletion of recordings and devices over HTTP: rows and files are removed, and stay removed."""

import os
from pathlib import Path

import pytest
from archive import Api, Archive, problem
from sqlalchemy import func, select

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database import deletion, schema
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.engine import connect
from edge_worker.database.reviewing import review_tables
from edge_worker.errors import StoreError

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

ADDRESS = "/api/v1/recordings/0000000000000001"
ID = "0000000000000001"


def audio_file(archive: Archive, number: int = 1, device: str = "st-01") -> Path:
    return archive.settings.data_dir / f"audio/{device}/{number:016x}.wav"


def counts(archive: Archive) -> tuple[int, ...]:
    """Return the number of rows of the tables recordings, predictions, reviews and deletions."""
    engine = connect(archive.settings.database)
    with engine.connect() as connection:
        found = tuple(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (schema.recordings, schema.predictions, review_tables.reviews, schema.deletions)
        )
    engine.dispose()
    return found


def test_deletion_removes_a_recording_with_its_result_review_and_audio(archive: Archive, api: Api) -> None:
    archive.add(1, labels={"heart5": "normal", "heart2": "normal"})
    archive.add(2)
    body = {"Content_Type": "application/json", "If_Match": '"0"'}
    api.ask("PUT", f"{ADDRESS}/review", b'{"verdict":"confirmed"}', **body)
    assert counts(archive) == (2, 3, 1, 0)
    assert api.ask("DELETE", ADDRESS).status_code == 204
    assert counts(archive) == (1, 1, 0, 1)
    assert not audio_file(archive).exists()
    assert audio_file(archive, 2).exists()
    problem(api.get(ADDRESS), 404)
    problem(api.get(f"{ADDRESS}/audio.wav"), 404)
    assert len(api.json("/api/v1/results")["items"]) == len(api.json("/history")) == 1


def test_a_deleted_recording_counts_as_complete_when_it_is_sent_again(archive: Archive, api: Api) -> None:
    archive.add(1)
    api.ask("DELETE", ADDRESS)
    assert archive.store.completeness("st-01", ID) == "complete"
    assert archive.store.completeness("st-02", ID) is None


def test_deleting_again_is_a_204_and_finishes_an_interrupted_deletion(archive: Archive, api: Api) -> None:
    archive.add(1)
    api.ask("DELETE", ADDRESS)
    audio_file(archive).write_bytes(b"left by a crash between the rows and the file")
    problem(api.ask("DELETE", f"{ADDRESS}?device=st-02"), 404)
    assert audio_file(archive).exists()
    for query in ("", "?device=st-01"):
        assert api.ask("DELETE", ADDRESS + query).status_code == 204
    assert not audio_file(archive).exists()
    problem(api.ask("DELETE", "/api/v1/recordings/0000000000000002"), 404)
    problem(api.ask("DELETE", "/api/v1/recordings/..%2fstetho.db"), 404)


def test_a_file_that_cannot_be_removed_is_a_503_and_is_removed_later(archive: Archive, api: Api) -> None:
    archive.add(1)
    path = audio_file(archive)
    path.unlink()
    path.mkdir()  # unlink refuses a directory, also to root
    problem(api.ask("DELETE", ADDRESS), 503)
    path.rmdir()
    path.write_bytes(b"still there")
    assert api.ask("DELETE", ADDRESS).status_code == 204
    assert not path.exists()


def test_interrupted_deletions_are_finished_at_the_next_start(archive: Archive) -> None:
    deletion = RecordingDeletion(archive.settings.database, AudioDirectory(archive.settings.data_dir))
    for number in range(3):
        archive.add(number)
    for number in range(2):
        deletion.delete("st-01", f"{number:016x}")
        audio_file(archive, number).write_bytes(b"left")
    assert deletion.remove_leftovers() == 2
    assert [audio_file(archive, number).exists() for number in range(3)] == [False, False, True]


def test_no_file_outside_the_audio_directory_is_removed(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    archive = Archive(data_dir)
    names = ["secret.wav", "audio/../secret2.wav", "../secret3.wav"]
    (data_dir / "audio").mkdir()
    for number, name in enumerate(names):
        archive.add(number, audio_file=name)
        assert archive.api().ask("DELETE", f"/api/v1/recordings/{number:016x}").status_code == 204
        assert (data_dir / name).exists()


def test_a_symbolic_link_is_removed_but_not_its_target(archive: Archive, api: Api) -> None:
    archive.add(1)
    path = audio_file(archive)
    path.unlink()
    path.symlink_to(archive.settings.data_dir / "stetho.db")
    assert api.ask("DELETE", ADDRESS).status_code == 204
    assert not os.path.lexists(path)
    assert api.json("/api/v1/results")["items"] == []


def test_a_recording_is_not_deleted_while_it_is_analysed(archive: Archive, api: Api) -> None:
    result = archive.add(1, is_analysed=False)
    answer = api.ask("DELETE", ADDRESS)
    problem(answer, 409)
    assert "Retry-After" in answer.headers
    assert audio_file(archive).exists()
    archive.save(result)
    assert api.ask("DELETE", ADDRESS).status_code == 204


def test_a_shared_id_needs_its_device(archive: Archive, api: Api) -> None:
    archive.add(1, "st-01")
    archive.add(1, "st-02")
    problem(api.ask("DELETE", ADDRESS), 409)
    assert api.ask("DELETE", f"{ADDRESS}?device=st-02").status_code == 204
    assert api.json(ADDRESS)["device_id"] == "st-01"


def test_a_device_is_deleted_with_all_its_recordings(
    archive: Archive, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "BATCH", 5)
    for number in range(12):  # more than two batches
        archive.add(number, "st-01", labels={})
    kept = archive.add(1, "st-02")
    assert api.ask("DELETE", "/api/v1/devices/st-01").status_code == 204
    assert counts(archive) == (1, 1, 0, 12)
    assert list((archive.settings.data_dir / "audio" / "st-01").iterdir()) == []
    assert api.json("/api/v1/results")["items"] == [kept.document()]
    assert api.ask("DELETE", "/api/v1/devices/st-01").status_code == 204
    for name in ("st-03", "ST_01", "..%2fst-02"):
        problem(api.ask("DELETE", f"/api/v1/devices/{name}"), 404)


def test_a_device_is_deleted_in_two_steps_while_a_recording_is_analysed(archive: Archive, api: Api) -> None:
    archive.add(1)
    result = archive.add(2, is_analysed=False)
    document = problem(api.ask("DELETE", "/api/v1/devices/st-01"), 409)
    assert "1 recordings" in document["detail"]
    assert counts(archive)[0] == 1
    archive.save(result)
    assert api.ask("DELETE", "/api/v1/devices/st-01").status_code == 204


def test_training_clips_of_a_device_are_not_deleted(archive: Archive, api: Api) -> None:
    archive.add(1)
    clip = archive.settings.data_dir / "training/heart2/clip.wav"
    clip.parent.mkdir(parents=True)
    clip.touch()
    assert api.ask("DELETE", "/api/v1/devices/st-01").status_code == 204
    assert clip.exists()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_result_of_a_deleted_row_is_dropped(archive: Archive) -> None:
    """It is not saved to another recording either that got the same row id meanwhile."""
    result = archive.add(1, is_analysed=False)
    (stored,) = archive.store.unanalysed()
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        connection.execute(schema.recordings.delete())
    engine.dispose()
    late = archive.analysis_result(stored.id, result)
    assert archive.store.save_results([late]) == []
    archive.add(2, is_analysed=False)
    assert [each.id for each in archive.store.unanalysed()] == [stored.id]
    assert archive.store.save_results([late]) == []
    assert [each.recording_id[-1] for each in archive.store.unanalysed()] == ["2"]
    assert counts(archive) == (1, 0, 0, 0)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_database_that_is_locked_is_a_store_error(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add(1)
    deletion = RecordingDeletion(archive.settings.database, AudioDirectory(archive.settings.data_dir))
    with deletion._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1")
    engine = connect(archive.settings.database)
    with engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            deletion.delete("st-01", ID)
        other.rollback()
    engine.dispose()
    assert audio_file(archive).exists()
    assert deletion.delete("st-01", ID).recordings == 1
