"""Orphans: WAV files that no recording names are moved aside after an hour, and no others."""

import os
from pathlib import Path

import pytest
from archive import Archive

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.upkeep import orphans
from history_api.monitoring.orphan_sweep import EVERY_S, OrphanSweep

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

ORPHAN = "audio/st-01/00000000000000aa.wav"


class Sweeps:
    """Sweeps of an archive, an hour apart."""

    def __init__(self, archive: Archive) -> None:
        self.data_dir = archive.settings.data_dir
        self._now = 0.0
        audio = AudioDirectory(self.data_dir)
        self._sweep = OrphanSweep(
            archive.settings.database,
            RecordingDeletion(archive.settings.database, audio),
            audio,
            self.data_dir / "spool",
            lambda: self._now,
        )
        self._sweep.part = 3

    def next(self) -> int:
        """Sweep a round, part by part; return how many files were moved."""
        moved = 0
        assert self._sweep.is_due
        while self._sweep.is_due:
            moved += self._sweep.sweep()
        self._now += EVERY_S
        return moved

    def add(self, name: str) -> Path:
        """Add a file that is some minutes old."""
        path = self.data_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF")
        os.utime(path, (path.stat().st_mtime - 600,) * 2)
        return path


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path)
    for number in range(4):
        archive.add(number)
    return archive


def test_what_two_sweeps_find_is_moved_aside_and_never_deleted(archive: Archive) -> None:
    sweeps = Sweeps(archive)
    orphan = sweeps.add(ORPHAN)
    assert (sweeps.next(), orphan.exists()) == (0, True)
    assert (sweeps.next(), orphan.exists()) == (1, False)
    assert (sweeps.data_dir / "orphans/st-01/00000000000000aa.wav").read_bytes() == b"RIFF"
    assert len(list(sweeps.data_dir.glob("audio/*/*.wav"))) == 4
    assert sweeps.next() == 0


def test_a_recording_whose_row_comes_late_keeps_its_file(archive: Archive) -> None:
    sweeps = Sweeps(archive)
    late = sweeps.add(f"audio/st-01/{9:016x}.wav")
    waiting = sweeps.add(ORPHAN)
    sweeps.add("spool/st-01/00000000000000aa.chunks")
    assert sweeps.next() == 0
    archive.add(9)
    assert (sweeps.next(), sweeps.next()) == (0, 0)
    assert late.exists()
    assert waiting.exists(), "the spool has its recording"


def test_a_database_that_knows_few_of_the_files_moves_none(archive: Archive) -> None:
    sweeps = Sweeps(archive)
    files = [sweeps.add(f"audio/st-02/{number:016x}.wav") for number in range(5)]
    assert (sweeps.next(), sweeps.next()) == (0, 0)
    assert all(path.exists() for path in files)


def test_files_of_deleted_recordings_are_removed_not_moved(archive: Archive) -> None:
    deletion = RecordingDeletion(archive.settings.database, AudioDirectory(archive.settings.data_dir))
    deletion.delete("st-01", f"{1:016x}")
    sweeps = Sweeps(archive)
    left = sweeps.add(f"audio/st-01/{1:016x}.wav")
    assert (sweeps.next(), left.exists()) == (0, False)
    assert len(list(sweeps.data_dir.glob("audio/*/*.wav"))) == 3


def test_a_file_that_a_clock_of_2036_dated_is_found(archive: Archive) -> None:
    sweeps = Sweeps(archive)
    os.utime(sweeps.add(ORPHAN), (2_085_978_496.0,) * 2)
    history = archive.api().app.extensions["stetho"].history
    assert orphans.find(history, AudioDirectory(sweeps.data_dir)).files == [ORPHAN]
