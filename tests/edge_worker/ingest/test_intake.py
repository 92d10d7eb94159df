"""Intake on a real spool: quotas, rejections, restarts, a full disk, and devices that go offline."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from intake_rig import (
    RATE,
    SETTINGS,
    IntakeRig,
    closed_recordings,
    control_documents,
    random_pcm,
    split,
)

from edge_worker.ingest.intake_event import IntakeEvent
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk


@pytest.fixture
def rig(tmp_path: Path) -> IntakeRig:
    return IntakeRig(tmp_path / "spool")


def test_a_recording_that_is_too_long_is_rejected_before_it_is_opened(rig: IntakeRig) -> None:
    far = Chunk(codec.PCM, 0, 1, RATE, 7, 10 * RATE, 1, b"\0\0")
    (answer,) = control_documents(rig.send(far))
    assert answer["reason"] == "too_long"
    assert len(rig.intake) == 0


def test_a_recording_that_is_too_large_is_rejected(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", replace(SETTINGS, max_recording_s=600.0, max_recording_mb=1))
    (answer,) = control_documents(rig.send(Chunk(codec.PCM, 0, 2, 192_000, 7, 2**18, 1, b"\0" * 4)))
    assert (answer["reason"], len(rig.intake)) == ("too_long", 0)


def test_quotas_hold_per_device_and_in_total(rig: IntakeRig) -> None:
    start = split(random_pcm(200), 100)[0]
    for number in (1, 2):
        assert rig.send(start._replace(recording_id=number)) == []
    assert control_documents(rig.send(start._replace(recording_id=3)))[0]["reason"] == "quota"
    for device in ("st-02", "st-03", "st-04"):
        assert rig.send(start, device) == []
    assert control_documents(rig.send(start, "st-05"))[0]["reason"] == "quota"
    assert len(rig.intake) == 5


def test_closed_recordings_that_wait_for_their_store_fill_the_spool_and_no_more(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path / "spool", replace(SETTINGS, max_spool_mb=1))
    pcm = random_pcm(30_000)
    (closed,) = closed_recordings([event for each in split(pcm, 15_000) for event in rig.send(each)])
    assert rig.intake.spool_bytes >= len(pcm)
    for number in range(2, 40):  # each is closed, and none stored: the store is away
        if rig.intake.spool_bytes < 2**20:
            for chunk in split(pcm, 15_000, recording_id=number):
                rig.send(chunk, f"st-{number:02}")
    start = split(pcm, 15_000, recording_id=99)[0]
    assert control_documents(rig.send(start, "st-99"))[0]["reason"] == "quota"
    rig.intake.mark_stored(closed.recording.key)
    assert rig.send(start, "st-99") == []


def test_two_recordings_of_one_device_do_not_mix(rig: IntakeRig) -> None:
    one, two = random_pcm(400, seed=1), random_pcm(400, seed=2)
    events: list[IntakeEvent] = []
    for a, b in zip(split(one, 100, recording_id=1), split(two, 100, recording_id=2), strict=True):
        events += rig.send(b) + rig.send(a)
    assert [rig.pcm(closed) for closed in closed_recordings(events)] == [two, one]


def test_a_stored_recording_is_answered_with_stored(rig: IntakeRig) -> None:
    rig.stored["st-01", "0000000000000007"] = "partial"
    assert control_documents(rig.send(split(random_pcm(10), 10)[0])) == [
        {"type": "stored", "recording_id": "0000000000000007", "completeness": "partial"}
    ]
    assert len(rig.intake) == 0


def test_chunks_of_a_recording_that_is_being_stored_are_duplicates(rig: IntakeRig) -> None:
    (chunk,) = split(random_pcm(10), 10)
    (closed,) = closed_recordings(rig.send(chunk))
    assert rig.send(chunk) == []
    rig.stored["st-01", "0000000000000007"] = "complete"
    rig.intake.mark_stored(closed.recording.key)
    assert control_documents(rig.send(chunk))[0]["type"] == "stored"


def test_a_restart_does_not_open_again_what_is_stored(rig: IntakeRig) -> None:
    (chunk,) = split(random_pcm(10), 10)
    rig.send(chunk)
    rig.stored["st-01", "0000000000000007"] = "complete"
    assert rig.restart() == []
    assert list(rig.directory.rglob("*.chunks")) == []


def test_a_restart_closes_a_complete_recording(rig: IntakeRig) -> None:
    pcm = random_pcm(100)
    for chunk in split(pcm, 30):
        rig.send(chunk)
    (closed,) = closed_recordings(rig.restart())
    assert rig.pcm(closed) == pcm


@pytest.mark.parametrize("cut_off", [1, 20, 40])
def test_a_chunk_half_written_by_a_power_cut_is_requested_again(rig: IntakeRig, cut_off: int) -> None:
    pcm = random_pcm(100)
    chunks = split(pcm, 50)
    for chunk in (chunks[1], chunks[0]._replace(flags=codec.RESEND, sample_count=25, body=pcm[:50])):
        rig.send(chunk)
    (path,) = rig.directory.rglob("*.chunks")
    os.truncate(path, path.stat().st_size - cut_off)
    assert rig.restart() == []
    (answer,) = control_documents(rig.wait(0.5))
    assert answer["ranges"] == [[0, 50]]
    (closed,) = closed_recordings(rig.send(chunks[0]))
    assert rig.pcm(closed) == pcm


def test_foreign_files_in_the_spool_are_left_alone(rig: IntakeRig) -> None:
    foreign = rig.directory / "st-01" / "notes.chunks"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    assert rig.restart() == []
    assert foreign.read_text() == "mine"


def test_a_full_disk_changes_nothing_and_the_chunk_is_received_later(
    rig: IntakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    pcm = random_pcm(200)
    first, last = split(pcm, 100)
    rig.send(first)
    real = os.write
    monkeypatch.setattr(
        "edge_worker.ingest.spool.os.write", lambda fd, data: real(fd, data[: len(data) // 2])
    )
    with pytest.raises(OSError, match="No space left"):
        rig.send(last)
    monkeypatch.undo()
    (closed,) = closed_recordings(rig.send(last))
    assert rig.pcm(closed) == pcm
    assert closed_recordings(rig.restart()), "the file is whole, too"


@pytest.mark.parametrize("refusals", [1, 2, 3, 4])
def test_a_disk_that_is_full_at_the_first_chunk_changes_nothing(
    rig: IntakeRig, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    """The header and the chunk are two writes: each may be the one that is refused."""
    pcm = random_pcm(200)
    first, last = split(pcm, 100)
    real, left = os.write, [refusals]

    def write(descriptor: int, data: bytes) -> int:
        is_refused = left[0] > 0 and (refusals % 2 == 0 or len(data) > 16)
        left[0] -= is_refused
        return real(descriptor, data[: len(data) // 2 if is_refused else None])

    monkeypatch.setattr("edge_worker.ingest.spool.os.write", write)
    for _ in range(refusals):
        with pytest.raises(OSError, match="No space left"):
            rig.send(first)
    assert rig.send(first) == []
    rig.restart()
    (closed,) = closed_recordings(rig.send(last))
    assert rig.pcm(closed) == pcm


def test_a_device_that_is_busy_does_not_keep_an_old_recording_open(rig: IntakeRig) -> None:
    rig.send(split(random_pcm(200), 100)[0])
    for _ in range(6):
        rig.wait(5.0)
        rig.intake.set_device_online("st-01", True, rig.now)
    assert len(rig.intake) == 0


def test_an_offline_device_is_waited_for_and_asked_when_it_is_back(rig: IntakeRig) -> None:
    pcm = random_pcm(300)
    chunks = split(pcm, 100)
    rig.send(chunks[0])
    rig.send(chunks[2])
    rig.intake.set_device_online("st-01", False, rig.now)
    assert rig.wait(200.0) == []
    rig.intake.set_device_online("st-01", True, rig.now)
    (answer,) = control_documents(rig.wait(0.5))
    assert answer["ranges"] == [[100, 200]]
    (closed,) = closed_recordings(rig.send(chunks[1]))
    assert rig.pcm(closed) == pcm


def test_rejections_are_answered_once_a_second_and_all_counted(rig: IntakeRig) -> None:
    answers = [len(rig.intake.receive("st-01", b"garbage", rig.now)) for _ in range(5)]
    assert answers == [1, 0, 0, 0, 0]
    rig.now += 1.0
    assert len(rig.intake.receive("st-01", b"garbage", rig.now)) == 1
    assert rig.intake.counts["rejected_short"] == 6
