"""Bugs in the intake: one recording or stream that meets one is set aside, now and at the next start."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from intake_rig import RATE, IntakeRig, closed_recordings, random_pcm, split

from edge_worker.ingest.recording import Recording
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_intake import StreamIntake
from edge_worker.protocol import chunk as codec

PCM = random_pcm(4 * RATE)


@pytest.fixture
def rig(tmp_path: Path) -> IntakeRig:
    return IntakeRig(tmp_path / "spool")


def fail_for_first_device(kind: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a method of recordings or streams raise for the device st-01."""
    right: Callable[..., Any] = getattr(kind, name)

    def method(audio: Recording | Stream, *arguments: object) -> object:
        if audio.device_id == "st-01":
            raise ZeroDivisionError("a bug")
        return right(audio, *arguments)

    monkeypatch.setattr(kind, name, method)


def aside(rig: IntakeRig) -> list[str | None]:
    return [each.device for each in rig.spool.quarantine.entries()]


def test_a_recording_that_cannot_be_closed_raises_no_second_time(
    rig: IntakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_for_first_device(Recording, "is_complete", monkeypatch)
    (chunk,) = split(PCM[:1000], 500)
    with pytest.raises(ZeroDivisionError):  # the worker sets the message aside
        rig.send(chunk)
    rig.send(chunk._replace(flags=0), "st-02")
    rig.restart()
    assert [key[0] for key in rig.intake.recordings.open] == ["st-02"]
    assert aside(rig) == ["st-01"]
    rig.restart()
    assert aside(rig) == ["st-01"]


def test_a_recording_that_fails_when_it_is_silent_costs_no_other_its_end(
    rig: IntakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_for_first_device(Recording, "gaps", monkeypatch)
    for device in ("st-01", "st-02"):
        for chunk in split(PCM, 1000)[:2]:
            rig.send(chunk, device)
    rig.wait(1.0)
    assert aside(rig) == ["st-01"]
    assert [each.recording.device_id for each in closed_recordings(rig.wait(31.0))] == ["st-02"]


def test_a_stream_that_fails_is_set_aside_at_once_or_at_the_next_start(
    rig: IntakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for device in ("st-01", "st-02"):
        rig.send(split(PCM, 1000, flags=codec.STREAM)[0], device)
    rig.restart()
    fail_for_first_device(Stream, "add", monkeypatch)
    assert len(list(rig.intake.load_streams(rig.now))) == 1
    assert [key[0] for key in rig.intake.streams.open] == ["st-02"]
    assert aside(rig) == ["st-01"]

    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(StreamIntake, "_request_missing", fail)
    assert rig.wait(1.0) == []
    assert aside(rig) == ["st-01", "st-02"]
