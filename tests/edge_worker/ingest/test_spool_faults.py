"""Chunk files that are damaged, gone, or of an earlier version: that recording alone is received again."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_rig import IntakeRig, closed_recordings, control_documents, meta, random_pcm, resent, split

from edge_worker.errors import SpoolFileError
from edge_worker.ingest.intake_event import ClosedRecording
from edge_worker.protocol.chunk import encode

PCM = random_pcm(4000)


def chunk_file(rig: IntakeRig) -> Path:
    return rig.directory / "st-01" / "0000000000000007.chunks"


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def zero_a_block(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[3000:3512] = bytes(512)
    path.write_bytes(content)


def replace_by_another(path: Path) -> None:
    header = path.read_bytes()[:16]
    path.write_bytes(
        header + b"".join(encode(each) for each in split(random_pcm(9000), 1000, recording_id=8))
    )


def close(rig: IntakeRig) -> ClosedRecording:
    events = [event for chunk in [meta(), *split(PCM, 1000)] for event in rig.send(chunk)]
    (closed,) = closed_recordings(events)
    return closed


@pytest.mark.parametrize("damage", [cut_off, zero_a_block, replace_by_another, Path.unlink])
def test_a_closed_recording_whose_file_is_damaged_is_received_again(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    rig = IntakeRig(tmp_path / "spool")
    closed = close(rig)
    damage(chunk_file(rig))
    with pytest.raises(SpoolFileError) as refused:
        rig.pcm(closed)
    events = [*rig.intake.reopen(closed.recording, refused.value, rig.now), *rig.wait(10)]
    (request,) = control_documents(events)
    assert request["type"] == "missing"
    again = [rig.send(chunk) for chunk in [meta(), *resent(PCM, request["ranges"], 1000)]]  # type: ignore[arg-type]
    (closed_again,) = closed_recordings([event for events in again for event in events])
    assert rig.pcm(closed_again) == PCM
    assert closed_again.completeness == "complete"


def test_an_open_recording_whose_file_is_gone_is_received_again(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool")
    chunks = split(PCM, 1000)
    rig.send(chunks[0])
    rig.spool.close(("st-01", 7))  # as when many others are open
    shutil.rmtree(tmp_path / "spool" / "st-01")
    rig.send(chunks[1])
    events = [event for chunk in (*chunks[2:], chunks[0]) for event in rig.send(chunk)]
    (closed,) = closed_recordings(events)
    assert rig.pcm(closed) == PCM
    assert rig.intake.counts["spool_damaged"] == 1


def test_a_meta_that_an_earlier_version_took_keeps_no_recording_from_being_loaded(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool")
    rig.send(split(PCM, 1000)[0])
    with chunk_file(rig).open("ab") as file:
        file.write(encode(meta(b'{"exam":"Visit 7"}')))
    assert not control_documents(rig.restart())
    (recording,) = rig.intake.recordings.open.values()
    assert recording.meta == {"ignored_meta": ["exam"]}
    assert recording.received.end == 1000


def test_what_is_moved_out_of_the_spool_is_bounded(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool")
    for number in range(220):
        (tmp_path / "spool" / "st-01" / f"{number:016x}.chunks").mkdir(parents=True)
    rig.restart()
    assert not list((tmp_path / "spool" / "st-01").iterdir())
    assert len(rig.spool.quarantine.entries()) == 200
