"""Retention: recordings beyond the age or the space limit are deleted, oldest first, and no others."""

import logging
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from archive import Archive
from conftest import wait_until
from sqlalchemy import select, update
from test_api_server import environment, fetch, serving

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database import deletion, schema
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.engine import connect
from edge_worker.database.site_state import uncertain_times
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.database.site_state.site_state import SiteState
from edge_worker.protocol.timestamp import rfc3339
from history_api.monitoring import retention
from history_api.monitoring.retention import Retention
from history_api.settings import ApiSettings

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

DAY_S = 86_400.0


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setattr(deletion, "BATCH", 2)
    monkeypatch.setattr(retention, "_PAUSE_S", 0.0)
    return Archive(tmp_path)


def retention_of(archive: Archive, days: int = 0, free_mb: int = 0, free_from: str = "cause") -> Retention:
    settings = ApiSettings(
        data_dir=archive.settings.data_dir,
        database_url=archive.settings.database_url,
        keep_days=days,
        keep_free_mb=free_mb,
        keep_free_from=free_from,
    )
    audio = AudioDirectory(settings.data_dir)
    return Retention(settings, RecordingDeletion(settings.database, audio), audio)


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
    archive.add(3)
    archive.add(4)
    set_ages(archive, {1: 40, 2: 40, 3: 1, 4: 1})
    retention_of(archive, days=30).apply_limits()
    assert stored_recordings(archive) == [1, 3, 4]


def test_a_clock_that_is_not_believed_deletes_nothing_and_says_so(
    archive: Archive, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        archive.add(number)
    set_ages(archive, {0: 40, 1: 1, 2: 1, 3: 1, 4: 1})
    archive.store.clock.check()
    true = ClockReading.now
    for wrong_s in (
        110.0,
        2_085_978_496.0,
        4_294_967_295.0,
        time.time() + 60 * DAY_S,
        time.time() - 60 * DAY_S,
    ):
        monkeypatch.setattr(ClockReading, "now", lambda wrong_s=wrong_s: replace(true(), wall_s=wrong_s))
        retention_of(archive, days=30).apply_limits()
        assert "event=retention_waits" in caplog.text
        assert "the clock says" in part_of_health(archive, "retention")["detail"]
        assert part_of_health(archive, "retention")["status"] == "degraded"
        caplog.clear()
    monkeypatch.setattr(ClockReading, "now", true)
    assert stored_recordings(archive) == [0, 1, 2, 3, 4]
    retention_of(archive, days=30).apply_limits()
    assert stored_recordings(archive) == [1, 2, 3, 4]
    assert part_of_health(archive, "retention") == {"status": "ok"}


def part_of_health(archive: Archive, name: str) -> dict[str, str]:
    """Return a part of `/health`."""
    part: dict[str, str] = archive.api().json("/health")["components"][name]
    return part


def test_a_clock_that_cannot_be_right_degrades_the_health_of_the_site(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert part_of_health(archive, "clock") == {"status": "ok"}
    archive.store.clock.check()
    true = ClockReading.now
    monkeypatch.setattr(ClockReading, "now", lambda: replace(true(), wall_s=110.0))
    clock = part_of_health(archive, "clock")
    assert clock["status"] == "degraded"
    assert "stetho clock confirm" in clock["detail"]
    assert archive.api().json("/health")["status"] == "degraded"


def test_when_most_recordings_are_old_at_once_nothing_is_deleted_until_a_person_confirms_the_clock(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        archive.add(number)
    set_ages(archive, {0: 40, 1: 40, 2: 40, 3: 1})
    for _ in range(2):
        retention_of(archive, days=30).apply_limits()
        assert stored_recordings(archive) == [0, 1, 2, 3]
    assert "3 of 4 recordings would be older than STETHO_KEEP_DAYS=30 at once" in caplog.text
    SiteState(archive.settings.database).confirm_clock()
    retention_of(archive, days=30).apply_limits()
    assert stored_recordings(archive) == [3]


def test_recordings_that_become_old_one_after_the_other_are_deleted_to_the_last(archive: Archive) -> None:
    archive.add(1)
    archive.add(2)
    set_ages(archive, {1: 40, 2: 1})
    retention_of(archive, days=30).apply_limits()
    set_ages(archive, {2: 31})
    retention_of(archive, days=30).apply_limits()
    assert stored_recordings(archive) == []


def test_recordings_whose_time_is_uncertain_are_kept_and_hide_none_that_are_old(archive: Archive) -> None:
    for number in range(8):
        archive.add(number)
    set_ages(archive, {0: 20_000, 1: 20_000, 2: 20_000, 3: 40, 4: 40, 5: 1, 6: 1, 7: 1})
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        uncertain_times.mark(connection, [1, 2, 3], ClockReading(0.0, "another start", 5.0))
    engine.dispose()
    retention_of(archive, days=30).apply_limits()
    assert stored_recordings(archive) == [0, 1, 2, 5, 6, 7]


def add_of(archive: Archive, device: str, *numbers: int) -> None:
    for number in numbers:
        archive.add(number, device)


def disk_with(archive: Archive, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Let the disk have room for so many recordings, and a limit of one MiB on top of that."""
    size = next(archive.settings.data_dir.rglob("*.wav")).stat().st_size

    def usage(_: Path) -> SimpleNamespace:
        used = sum(path.stat().st_size for path in archive.settings.data_dir.rglob("*.wav"))
        return SimpleNamespace(total=2**40, free=2**20 + room * size - used)

    monkeypatch.setattr(shutil, "disk_usage", usage)


def test_the_device_that_filled_the_disk_pays_with_its_own_oldest_recordings_and_no_more_than_needed(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_of(archive, "st-01", 1, 2, 3, 4, 5, 6)
    add_of(archive, "st-02", 7)
    disk_with(archive, monkeypatch, room=8)
    retention_of(archive, free_mb=1).apply_limits()
    add_of(archive, "st-02", 8, 9, 10, 11)
    add_of(archive, "st-01", 12)
    retention_of(archive, free_mb=1).apply_limits()
    assert stored_recordings(archive) == [1, 2, 3, 4, 5, 6, 11, 12]
    retention_of(archive, free_mb=1).apply_limits()
    assert stored_recordings(archive) == [1, 2, 3, 4, 5, 6, 11, 12]


def test_devices_that_filled_the_disk_together_pay_what_each_added(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_of(archive, "st-01", 1, 2, 3)
    add_of(archive, "st-02", 4, 5, 6)
    disk_with(archive, monkeypatch, room=6)
    retention_of(archive, free_mb=1).apply_limits()
    add_of(archive, "st-01", 7)
    add_of(archive, "st-02", 8, 9)
    retention_of(archive, free_mb=1).apply_limits()
    assert stored_recordings(archive) == [2, 3, 6, 7, 8, 9]


def test_a_disk_that_was_never_seen_with_room_costs_the_device_that_uses_most_of_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_of(archive, "st-02", 1)
    add_of(archive, "st-01", 2, 3, 4, 5)
    disk_with(archive, monkeypatch, room=3)
    retention_of(archive, free_mb=1).apply_limits()
    assert stored_recordings(archive) == [1, 4, 5]


@pytest.mark.parametrize(("whose", "left"), [("cause", [1, 2, 3, 4]), ("all", [3, 4])])
def test_what_other_programs_fill_costs_no_recording_unless_the_settings_say_so(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, whose: str, left: list[int]
) -> None:
    add_of(archive, "st-01", 1, 2)
    add_of(archive, "st-02", 3, 4)
    disk_with(archive, monkeypatch, room=4)
    retention_of(archive, free_mb=1, free_from=whose).apply_limits()
    disk_with(archive, monkeypatch, room=2)
    retention_of(archive, free_mb=1, free_from=whose).apply_limits()
    assert stored_recordings(archive) == left
    part = part_of_health(archive, "retention")
    assert part.get("detail", "").startswith("0 MiB are missing") == (whose == "cause")


def test_deleting_that_makes_no_room_ends(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        archive.add(number)
    for path in archive.settings.data_dir.rglob("*.wav"):
        path.unlink()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=2**40, free=0))
    for whose in ("cause", "all"):
        retention_of(archive, free_mb=1, free_from=whose).apply_limits()
    assert len(archive.api().json("/api/v1/results")["items"]) == 2


def test_the_thread_waits_for_the_database_and_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_EVERY_S", 0.01)
    settings = ApiSettings(data_dir=tmp_path, keep_days=1)
    audio = AudioDirectory(settings.data_dir)
    thread = Retention(settings, RecordingDeletion(settings.database, audio), audio)
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
    deletion = RecordingDeletion(archive.settings.database, AudioDirectory(archive.settings.data_dir))
    archive.add(3)
    deletion.delete("st-01", "0000000000000003")
    interrupted.write_bytes(b"left by a crash")
    own = {"STETHO_KEEP_DAYS": "2", "STETHO_DATABASE_URL": archive.settings.database_url}
    with serving(environment(archive.settings.data_dir, **own)) as (process, address):
        assert fetch(f"{address}/livez")[0] == 200
        # A row is deleted before its file, so that a crash between them leaves no row without audio.
        wait_until(lambda: audio_files(archive) == {2}, "only the recent recording")
        assert process.poll() is None
    assert stored_recordings(archive) == [2]
