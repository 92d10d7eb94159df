"""Spare files: the file of a stored recording is that of the next one, and nothing of its sound is left."""

import os
from pathlib import Path

import pytest
from intake_rig import IntakeRig, closed_recordings, random_pcm, split

from edge_worker.ingest import spare_files
from edge_worker.ingest.recording import Recording
from edge_worker.ingest.spare_files import SpareFiles


@pytest.fixture
def rig(tmp_path: Path) -> IntakeRig:
    return IntakeRig(tmp_path / "spool")


def _stored(rig: IntakeRig, recording_id: int, pcm: bytes) -> int:
    """Receive a recording and remove it as one that is stored; return the number of its file."""
    (closed,) = closed_recordings(
        [event for chunk in split(pcm, 500, recording_id) for event in rig.send(chunk)]
    )
    assert rig.pcm(closed) == pcm
    number = (rig.directory / "st-01" / f"{recording_id:016x}.chunks").stat().st_ino
    rig.spool.remove(closed.recording)
    rig.spool.remove(closed.recording)  # a crash came in between: again
    rig.intake.mark_stored(closed.recording.key)
    return number


def test_the_next_recording_has_the_file_of_one_that_is_stored(rig: IntakeRig) -> None:
    numbers = [_stored(rig, number, random_pcm(5000 - 1000 * number, number)) for number in range(1, 4)]
    assert len(set(numbers)) == 1
    (spare,) = (path for path in rig.directory.rglob("*") if path.is_file())
    assert (spare.parent, spare.stat().st_size) == (rig.directory, 0)
    assert rig.restart() == []
    assert [path for path in rig.directory.rglob("*") if path.is_file()] == []


def test_a_spare_file_that_was_deleted_is_not_missed(rig: IntakeRig) -> None:
    _stored(rig, 1, random_pcm(1000))
    (spare,) = rig.directory.glob(".spare-*")
    spare.unlink()
    _stored(rig, 2, random_pcm(1000))


def test_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_files, "_MOST", 2)
    spare = SpareFiles(tmp_path)
    for number in range(4):
        path = tmp_path / f"{number}.chunks"
        path.write_bytes(b"sound")
        spare.keep(path)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [0, 0]


def test_a_hint_never_has_the_sound_of_the_recording_that_has_the_file_now(
    rig: IntakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (split(random_pcm(1000, number), 500, number) for number in (1, 2))
    rig.send(first[0])
    (recording,) = rig.intake.recordings.open.values()
    read = os.preadv

    def read_late(file: int, buffers: list[memoryview], place: int) -> int:
        monkeypatch.setattr(os, "preadv", read)
        rig.send(first[1])
        rig.spool.remove(recording)
        rig.send(second[0])
        return read(file, buffers, place)

    assert rig.spool.read_recent(recording, 0, 500) is not None
    monkeypatch.setattr(os, "preadv", read_late)
    assert rig.spool.read_recent(recording, 0, 500) is None
    assert _others(rig, recording)


def _others(rig: IntakeRig, recording: Recording) -> list[Recording]:
    return [each for each in rig.intake.recordings.open.values() if each is not recording]
