"""What is not to be kept goes, oldest first, and nothing else."""

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

from edge_worker.database import review, schema
from edge_worker.database.review import Curation
from edge_worker.protocol.timestamp import rfc3339
from history_api.monitoring import retention
from history_api.monitoring.retention import Retention
from history_api.settings import ApiSettings


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setattr(review, "BATCH", 2)
    monkeypatch.setattr(retention, "_PAUSE_S", 0.0)
    return Archive(tmp_path)


def keeping(archive: Archive, days: int = 0, free_mb: int = 0) -> Retention:
    settings = ApiSettings(data_dir=archive.settings.data_dir, keep_days=days, keep_free_mb=free_mb)
    return Retention(settings, Curation(settings.database, settings.data_dir))


def age(archive: Archive, days_by_number: dict[int, int]) -> None:
    """Let recordings have been received so many days ago."""
    engine = schema.connect(archive.settings.database)
    table = schema.recordings
    with engine.begin() as connection:
        for number, days in days_by_number.items():
            received_at = rfc3339(datetime.now(UTC) - timedelta(days=days))
            mine = update(table).where(table.c.recording_id == f"{number:016x}")
            connection.execute(mine.values(received_at=received_at))
    engine.dispose()


def left(archive: Archive) -> list[int]:
    """Return the numbers of the recordings that are here; rows and sounds must agree."""
    engine = schema.connect(archive.settings.database)
    with engine.connect() as connection:
        rows = [int(name, 16) for name in connection.scalars(select(schema.recordings.c.recording_id))]
    engine.dispose()
    assert sounds(archive) == set(rows)
    return sorted(rows)


def sounds(archive: Archive) -> set[int]:
    """Return the numbers of the recordings whose sounds are here."""
    return {int(path.stem, 16) for path in archive.settings.data_dir.rglob("*.wav")}


def test_what_is_too_old_goes_by_the_time_it_arrived(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(6):
        archive.add(number, captured_at="1970-01-01T00:00:00.000Z")  # a device without a clock
    age(archive, {0: 40, 1: 35, 2: 31, 3: 29, 4: 1, 5: 0})
    with caplog.at_level(logging.INFO):
        keeping(archive, days=30).apply_limits()
    assert left(archive) == [3, 4, 5]
    batches = [record.getMessage() for record in caplog.records if "event=retention" in record.getMessage()]
    assert [batch.split(" bytes")[0] for batch in batches] == [
        "event=retention reason=age recordings=2",
        "event=retention reason=age recordings=1",
    ]


def test_nothing_goes_unless_it_is_asked_for(archive: Archive) -> None:
    archive.add(1)
    age(archive, {1: 10_000})
    keeping(archive).apply_limits()
    assert left(archive) == [1]


def test_what_is_being_analysed_is_kept(archive: Archive) -> None:
    archive.add(1, is_analysed=False)
    archive.add(2)
    age(archive, {1: 40, 2: 40})
    keeping(archive, days=30).apply_limits()
    assert left(archive) == [1]


def test_the_oldest_go_until_there_is_room(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        archive.add(number)
    free = iter([0, 2**20])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free)))
    keeping(archive, free_mb=1).apply_limits()
    assert left(archive) == [2, 3, 4]


def test_a_disk_that_something_else_fills_does_not_empty_the_history(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        archive.add(number)
    for path in archive.settings.data_dir.rglob("*.wav"):
        path.unlink()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    keeping(archive, free_mb=1).apply_limits()
    assert len(archive.api().json("/api/v1/results")["items"]) == 4


def test_the_thread_waits_for_the_database_and_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_EVERY_S", 0.01)
    settings = ApiSettings(data_dir=tmp_path, keep_days=1)
    keeper = Retention(settings, Curation(settings.database, settings.data_dir))
    (tmp_path / "models").mkdir()
    keeper.start()
    try:
        wait_until(lambda: "event=retention_waits" in caplog.text, "a database")
        assert list(tmp_path.glob("*.db")) == []
    finally:
        keeper.stop()
    assert not keeper.is_alive()


def test_the_program_keeps_what_its_settings_say(archive: Archive) -> None:
    archive.add(1)
    archive.add(2)
    age(archive, {1: 3, 2: 0})
    gone = archive.settings.data_dir / "audio/st-01/0000000000000003.wav"
    people = Curation(archive.settings.database, archive.settings.data_dir)
    archive.add(3)
    people.delete("st-01", "0000000000000003")
    gone.write_bytes(b"left by a crash")
    with serving(environment(archive.settings.data_dir, STETHO_KEEP_DAYS="2")) as (process, address):
        assert fetch(f"{address}/livez")[0] == 200
        # A row goes before its sound, so that a crash between them loses nothing: sounds are the last to go.
        wait_until(lambda: sounds(archive) == {2}, "only what is kept")
        assert process.poll() is None
    assert left(archive) == [2]
