"""Retention: recordings beyond the age or the space limit are deleted, oldest first, and no others."""

import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from archive import Archive
from conftest import wait_until
from sqlalchemy import select, update
from test_api_server import environment, fetch, serving

from edge_worker.database import deletion, schema
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.engine import connect
from edge_worker.protocol.timestamp import rfc3339
from history_api.monitoring import retention
from history_api.monitoring.retention import Retention
from history_api.settings import ApiSettings


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setattr(deletion, "BATCH", 2)
    monkeypatch.setattr(retention, "_PAUSE_S", 0.0)
    return Archive(tmp_path)


def retention_of(archive: Archive, days: int = 0, free_mb: int = 0) -> Retention:
    settings = ApiSettings(data_dir=archive.settings.data_dir, keep_days=days, keep_free_mb=free_mb)
    return Retention(settings, RecordingDeletion(settings.database, settings.data_dir))


def set_ages(archive: Archive, days_by_number: dict[int, int]) -> None:
    """Make recordings, by number, as many days old."""
    engine = connect(archive.settings.database)
    table = schema.recordings
    with engine.begin() as connection:
        for number, days in days_by_number.items():
            received_at = rfc3339(datetime.now(UTC) - timedelta(days=days))
            statement = update(table).where(table.c.recording_id == f"{number:016x}")
            connection.execute(statement.values(received_at=received_at))
    engine.dispose()


def stored_recordings(archive: Archive) -> list[int]:
    """Return the numbers of the stored recordings; rows and audio files must agree."""
    engine = connect(archive.settings.database)
    with engine.connect() as connection:
        rows = [int(name, 16) for name in connection.scalars(select(schema.recordings.c.recording_id))]
    engine.dispose()
    assert audio_files(archive) == set(rows)
    return sorted(rows)


def audio_files(archive: Archive) -> set[int]:
    """Return the numbers of the recordings whose audio file exists."""
    return {int(path.stem, 16) for path in archive.settings.data_dir.rglob("*.wav")}


def test_old_recordings_are_deleted_by_the_time_they_were_received(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(6):
        archive.add(number, captured_at="1970-01-01T00:00:00.000Z")  # a device without a clock
    set_ages(archive, {0: 40, 1: 35, 2: 31, 3: 29, 4: 1, 5: 0})
    with caplog.at_level(logging.INFO):
        retention_of(archive, days=30).apply_limits()
    assert stored_recordings(archive) == [3, 4, 5]
    batches = [record.getMessage() for record in caplog.records if "event=retention" in record.getMessage()]
    assert [batch.split(" bytes")[0] for batch in batches] == [
        "event=retention reason=age recordings=2",
        "event=retention reason=age recordings=1",
    ]


def test_without_limits_nothing_is_deleted(archive: Archive) -> None:
    archive.add(1)
    set_ages(archive, {1: 10_000})
    retention_of(archive).apply_limits()
    assert stored_recordings(archive) == [1]


def test_a_recording_that_is_being_analysed_is_not_deleted(archive: Archive) -> None:
    archive.add(1, is_analysed=False)
    archive.add(2)
    set_ages(archive, {1: 40, 2: 40})
    retention_of(archive, days=30).apply_limits()
    assert stored_recordings(archive) == [1]


def test_the_oldest_are_deleted_until_enough_space_is_free(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        archive.add(number)
    free = iter([0, 2**20])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free)))
    retention_of(archive, free_mb=1).apply_limits()
    assert stored_recordings(archive) == [2, 3, 4]


def test_a_disk_that_something_else_fills_does_not_empty_the_history(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        archive.add(number)
    for path in archive.settings.data_dir.rglob("*.wav"):
        path.unlink()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    retention_of(archive, free_mb=1).apply_limits()
    assert len(archive.api().json("/api/v1/results")["items"]) == 4


def test_the_thread_waits_for_the_database_and_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_EVERY_S", 0.01)
    settings = ApiSettings(data_dir=tmp_path, keep_days=1)
    thread = Retention(settings, RecordingDeletion(settings.database, settings.data_dir))
    (tmp_path / "models").mkdir()
    thread.start()
    try:
        wait_until(lambda: "event=retention_waits" in caplog.text, "a database")
        assert list(tmp_path.glob("*.db")) == []
    finally:
        thread.stop()
    assert not thread.is_alive()


def test_the_server_deletes_by_its_settings_and_finishes_interrupted_deletions(archive: Archive) -> None:
    archive.add(1)
    archive.add(2)
    set_ages(archive, {1: 3, 2: 0})
    interrupted = archive.settings.data_dir / "audio/st-01/0000000000000003.wav"
    deletion = RecordingDeletion(archive.settings.database, archive.settings.data_dir)
    archive.add(3)
    deletion.delete("st-01", "0000000000000003")
    interrupted.write_bytes(b"left by a crash")
    with serving(environment(archive.settings.data_dir, STETHO_KEEP_DAYS="2")) as (process, address):
        assert fetch(f"{address}/livez")[0] == 200
        # A row is deleted before its file, so that a crash between them leaves no row without audio.
        wait_until(lambda: audio_files(archive) == {2}, "only the recent recording")
        assert process.poll() is None
    assert stored_recordings(archive) == [2]
